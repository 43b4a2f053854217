#include "injector/daemon/policy_store.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "injector/policy_files.h"
#include "injector/report_json.h"
#include "installation/atomic_file.h"

namespace sextant::injector {
namespace {

constexpr auto kFileName = "policies.json";
constexpr mode_t kFileMode = 0640;

std::vector<InjectedPolicy> values_of(const PolicyStore::Policies& policies) {
  std::vector<InjectedPolicy> values;
  values.reserve(policies.size());
  for (const auto& [key, policy] : policies) values.push_back(policy);
  return values;
}

}  // namespace

Result<PolicyStore> PolicyStore::open(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return system_error("make the state's folder", folder.string(), error.value());
  PolicyStore store(folder / kFileName);
  if (std::filesystem::exists(store.file_, error)) {
    auto set = load_policies({store.file_.string()});
    if (!set) {
      auto failed = std::move(set.error());
      failed.operation = "read the state from";
      failed.object = store.file_.string();
      failed.hint = "mend it, or move it away to begin without policies";
      return tl::unexpected(std::move(failed));
    }
    for (auto& placed : set->policies)
      store.policies_.emplace(placed.policy.key, std::move(placed.policy));
    return store;
  }
  // Found out now and not at the first policy: whether the folder can be written.
  if (auto written = store.apply({}); !written) return tl::unexpected(written.error());
  return store;
}

std::vector<InjectedPolicy> PolicyStore::list() const { return values_of(policies_); }

Result<void> PolicyStore::apply(const Difference& difference) {
  auto after = policies_;
  for (const auto& policy : difference.announcements()) after.insert_or_assign(policy.key, policy);
  for (const auto& policy : difference.removed) after.erase(policy.key);
  const auto written =
      installation::put_file(file_, documents_text(values_of(after)) + "\n", kFileMode);
  if (!written) {
    auto failed = written.error();
    failed.hint = "the policies stay as they were; make room, or give --state another folder";
    return tl::unexpected(std::move(failed));
  }
  policies_ = std::move(after);
  return {};
}

}  // namespace sextant::injector
