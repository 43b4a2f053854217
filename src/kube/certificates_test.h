// An own certificate authority, made while a test runs.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sextant::kube {

struct Identity {
  std::string cert;  // PEM
  std::string key;
};

struct Wish {
  std::string common_name = "kube-apiserver";
  std::vector<std::string> alternative_names = {"IP:127.0.0.1", "DNS:localhost"};
  std::chrono::seconds from = std::chrono::hours(-1);  // relative to now
  std::chrono::seconds until = std::chrono::hours(1);
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test-ca");
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  [[nodiscard]] const std::string& cert() const;  // PEM
  [[nodiscard]] Identity issue(const Wish& wish = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sextant::kube
