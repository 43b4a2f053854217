#include "kube/resource.h"

#include <gtest/gtest.h>

#include "kube/api_time.h"
#include "kube/backoff.h"

namespace sextant::kube {
namespace {

using namespace std::chrono_literals;

TEST(Resource, HasPathsByTheApisRules) {
  const Resource nodes{"", "v1", "nodes"};
  const Resource policies{"sextant.dev", "v1alpha1", "srv6policies"};
  EXPECT_EQ(collection_path(nodes, ""), "/api/v1/nodes");
  EXPECT_EQ(collection_path({"", "v1", "pods"}, "kube-system"),
            "/api/v1/namespaces/kube-system/pods");
  EXPECT_EQ(object_path({policies, "", "gold"}, "status"),
            "/apis/sextant.dev/v1alpha1/srv6policies/gold/status");
  EXPECT_EQ(object_path({nodes, "", "../x y"}), "/api/v1/nodes/..%2Fx%20y");
  EXPECT_EQ(api_version(policies), "sextant.dev/v1alpha1");
  EXPECT_EQ(to_string(ObjectRef{{"", "v1", "configmaps"}, "a", "b"}), "configmaps a/b");
}

TEST(Resource, EncodesQueries) {
  std::string target = "/x";
  add_query(target, "a", "k=v,w");
  add_query(target, "continue", "ey+/=");
  EXPECT_EQ(target, "/x?a=k%3Dv%2Cw&continue=ey%2B%2F%3D");
}

TEST(Backoff, GrowsWithJitterUpToItsLongest) {
  Backoff backoff(100ms, 1s, 7);
  const std::vector<std::chrono::milliseconds> tops = {100ms, 200ms, 400ms, 800ms, 1s, 1s};
  for (const auto top : tops) {
    const auto delay = backoff.next();
    EXPECT_GE(delay, top / 2);
    EXPECT_LE(delay, top);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), 100ms);
  Backoff one(1s, 10s, 1), other(1s, 10s, 2);
  EXPECT_NE(one.next(), other.next());
}

TEST(ApiTime, IsRfc3339) {
  const std::chrono::system_clock::time_point time{1700000000s + 1234us};
  EXPECT_EQ(to_time(time), "2023-11-14T22:13:20Z");
  EXPECT_EQ(to_micro_time(time), "2023-11-14T22:13:20.001234Z");
}

}  // namespace
}  // namespace sextant::kube
