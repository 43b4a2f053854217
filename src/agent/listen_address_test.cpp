#include "agent/listen_address.h"

#include <gtest/gtest.h>

#include <vector>

namespace sextant::agent {
namespace {

TEST(ListenAddress, ReadsBothFamiliesAndEveryAddress) {
  for (const auto* text : {"127.0.0.1:9617", "[::1]:9617", "[fd11::1000]:1", ":65535", "0.0.0.0:0"})
    EXPECT_EQ(ListenAddress::parse(text).value().to_string(), text);
  EXPECT_FALSE(ListenAddress::parse(":9617").value().address);
}

TEST(ListenAddress, RefusesWhatIsNoneAndSaysWhatToWrite) {
  struct Row {
    const char* text;
    const char* cause;
  };
  const std::vector<Row> rows{
      {"", "no ':'"},
      {"9617", "no ':'"},
      {"127.0.0.1", "no ':'"},
      {"127.0.0.1:", "the port"},
      {":", "the port"},
      {":http", "the port"},
      {":-1", "the port"},
      {":+1", "the port"},
      {": 1", "the port"},
      {":65536", "the port"},
      {":9617 ", "the port"},
      {"::1:9617", "brackets"},
      {"fd11::1000:9617", "brackets"},
      {"[::1]", "the port"},
      {"[127.0.0.1]:9617", "brackets"},
      {"[]:9617", ""},
      {"[::1:9617", ""},
      {"[fe80::1%eth0]:9617", ""},
      {"localhost:9617", ""},
      {"256.0.0.1:9617", ""},
      {"http://127.0.0.1:9617", ""},
  };
  for (const auto& row : rows) {
    const auto address = ListenAddress::parse(row.text);
    ASSERT_FALSE(address) << row.text;
    EXPECT_NE(address.error().cause.find(row.cause), std::string::npos)
        << row.text << ": " << address.error().message();
    EXPECT_NE(address.error().hint.find("ADDRESS:PORT"), std::string::npos);
  }
}

}  // namespace
}  // namespace sextant::agent
