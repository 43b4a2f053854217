// The announced policies, and the file that keeps them over a restart of the injector.
//
// A change is on the disk before it is in force, so that what was answered for survives a crash.
// The file is JSON, a List of the documents of policy_document.h, replaced in one step.
#pragma once

#include <filesystem>
#include <map>
#include <vector>

#include "base/result.h"
#include "injector/difference.h"
#include "injector/injected_policy.h"

namespace sextant::injector {

class PolicyStore {
 public:
  using Policies = std::map<PolicyKey, InjectedPolicy>;

  /// Of `folder`, which is made where it is missing. Errors: it cannot be written, or what it holds
  /// cannot be read: then nothing is announced, since starting anew would withdraw everything.
  [[nodiscard]] static Result<PolicyStore> open(const std::filesystem::path& folder);

  [[nodiscard]] const Policies& policies() const { return policies_; }
  [[nodiscard]] std::vector<InjectedPolicy> list() const;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  /// All of it or, with an error, nothing.
  [[nodiscard]] Result<void> apply(const Difference& difference);

 private:
  explicit PolicyStore(std::filesystem::path file) : file_(std::move(file)) {}

  std::filesystem::path file_;
  Policies policies_;
};

}  // namespace sextant::injector
