#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace sextant {
namespace {

Result<int> fails(tl::unexpected<Error> error) { return error; }

TEST(ErrorMessage, HoldsOperationObjectCauseAndHint) {
  EXPECT_EQ((Error{"add route", "10.0.1.0/24", "it exists", "remove it"}.message()),
            "add route 10.0.1.0/24: it exists; remove it");
  EXPECT_EQ((Error{"add route", "10.0.1.0/24", "it exists"}.message()),
            "add route 10.0.1.0/24: it exists");
  EXPECT_EQ((Error{"open netlink socket", "", "no memory"}.message()),
            "open netlink socket: no memory");
}

TEST(SystemError, NamesTheErrno) {
  const auto result = fails(system_error("add route", "10.0.1.0/24", EEXIST));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "add route 10.0.1.0/24: File exists (EEXIST)");
  EXPECT_EQ(result.error().errno_value, EEXIST);
}

TEST(SystemError, KeepsTheNumberOfAnErrnoWithoutName) {
  const auto result = fails(system_error("add route", "", 4711));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().cause, "error (4711)");
}

TEST(Failure, CarriesItsParts) {
  const auto result = fails(failure("read SID", "'x'", "not an IPv6 address", "write fcff::1"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{"read SID", "'x'", "not an IPv6 address", "write fcff::1"}));
}

}  // namespace
}  // namespace sextant
