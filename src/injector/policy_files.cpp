#include "injector/policy_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

namespace sextant::injector {
namespace {

namespace fs = std::filesystem;

constexpr auto kOperation = "read policies from";

Result<NamedText> load_file(const fs::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return system_error(kOperation, path.string(), errno == 0 ? EIO : errno);
  NamedText text{.name = path.string(), .text = {std::istreambuf_iterator<char>(file), {}}};
  if (file.bad()) return system_error(kOperation, path.string(), EIO);
  return text;
}

bool is_policy_file(const fs::directory_entry& entry) {
  const auto extension = entry.path().extension();
  return entry.is_regular_file() && !entry.path().filename().string().starts_with('.') &&
         (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

Result<std::vector<fs::path>> files_of(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status))
    return failure(kOperation, path.string(), "there is no such file or folder");
  if (!fs::is_directory(status)) return std::vector<fs::path>{path};
  std::vector<fs::path> found;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (is_policy_file(*entry)) found.push_back(entry->path());
  if (error) return system_error(kOperation, path.string(), error.value());
  std::ranges::sort(found);
  return found;
}

}  // namespace

Result<std::vector<NamedText>> load_texts(const std::vector<std::string>& paths) {
  std::vector<NamedText> texts;
  for (const auto& path : paths) {
    if (path == "-") {
      texts.push_back({"standard input", {std::istreambuf_iterator<char>(std::cin), {}}});
      continue;
    }
    const auto files = files_of(path);
    if (!files) return tl::unexpected(files.error());
    for (const auto& file : *files) {
      auto text = load_file(file);
      if (!text) return tl::unexpected(text.error());
      texts.push_back(std::move(*text));
    }
  }
  return texts;
}

Result<void> verdict_of(const PolicySet& set) {
  std::string mistakes;
  for (const auto& finding : set.findings) {
    if (finding.severity != sources::Severity::kError) continue;
    mistakes += "\n  " + finding.text();
  }
  if (mistakes.empty()) return {};
  return failure("read", "policies", "nothing was changed, since there are mistakes:" + mistakes);
}

Result<PolicySet> load_policies(const std::vector<std::string>& paths) {
  const auto texts = load_texts(paths);
  if (!texts) return tl::unexpected(texts.error());
  auto set = read_policies(*texts);
  if (const auto verdict = verdict_of(set); !verdict) return tl::unexpected(verdict.error());
  return set;
}

}  // namespace sextant::injector
