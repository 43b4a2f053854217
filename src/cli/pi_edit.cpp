#include "cli/pi_edit.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "base/unique_fd.h"
#include "cli/output.h"
#include "injector/policy_document.h"
#include "injector/policy_files.h"

namespace sextant::cli {
namespace {

constexpr auto kOperation = "edit policies in";
constexpr auto kPreface =
    "# Edit the policies below and save. Lines that begin with '#' say nothing; an empty file, or "
    "one\n# that is not changed, changes nothing. A policy is known by color, endpoint and "
    "distinguisher: with\n# another of them it takes the place of the one that was here.\n";

Result<std::string> make_file(const std::string& text) {
  auto path = (std::filesystem::temp_directory_path() / "sextant-pi-XXXXXX.yaml").string();
  const UniqueFd file(::mkstemps(path.data(), 5));
  if (!file) return system_error("make", path, errno);
  std::ofstream stream(path, std::ios::binary);
  if (!(stream << text).flush()) return system_error("write", path, errno);
  return path;
}

Result<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  if (!(stream << text).flush()) return system_error("write", path, errno);
  return {};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return system_error("read", path, errno);
  return std::string{std::istreambuf_iterator<char>(stream), {}};
}

std::string editor() {
  for (const auto* name : {"VISUAL", "EDITOR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "vi";
}

/// The variable may hold options too ("code --wait"), so a shell takes it apart, as for git.
Result<void> run_editor(const std::string& path) {
  const auto command = editor() + " \"$@\"";
  const auto child = ::fork();
  if (child < 0) return system_error("run", command, errno);
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), "sh", path.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return system_error("wait for", command, errno);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return failure("run the editor", editor(),
                 WIFEXITED(status) && WEXITSTATUS(status) == 127
                     ? "it cannot be found"
                     : "it did not end well, so nothing was changed",
                 "set $EDITOR; the text is in " + path);
}

/// Without lines that are comments: whether anything is there, and whether it was changed.
std::string content_of(const std::string& text) {
  std::istringstream stream(text);
  std::string content;
  for (std::string line; std::getline(stream, line);)
    if (!line.starts_with('#')) content += line + '\n';
  return content.find_first_not_of(" \n\r\t") == std::string::npos ? std::string() : content;
}

std::string as_comment(const std::string& text) {
  std::istringstream stream(text);
  std::string comment;
  for (std::string line; std::getline(stream, line);) comment += "# " + line + '\n';
  return comment;
}

/// The mistakes; empty where there are none.
std::string mistakes_of(const injector::PolicySet& set) {
  if (const auto verdict = injector::verdict_of(set); !verdict) return verdict.error().cause;
  return {};
}

/// The mistakes name lines of the text that they stand in: the second look has them right.
std::string with_mistakes(const std::string& path, const std::string& mistakes,
                          const std::string& content) {
  const auto text = [&](const std::string& comment) {
    return std::string(kPreface) + "#\n" + as_comment(comment) + content;
  };
  const auto first = text(mistakes);
  const auto again = mistakes_of(injector::read_policies({{path, first}}));
  return again.empty() ? first : text(again);
}

}  // namespace

std::string edit_text(const std::vector<injector::InjectedPolicy>& policies) {
  std::string text = kPreface;
  for (const auto& policy : policies)
    text += "---\n" + yaml(boost::json::value(injector::to_document(policy)));
  return text;
}

Result<Edited> edit_policies(const std::vector<injector::InjectedPolicy>& policies) {
  auto shown = edit_text(policies);
  const auto path = make_file(shown);
  if (!path) return tl::unexpected(path.error());
  for (bool again = false;; again = true) {
    if (auto ran = run_editor(*path); !ran) return tl::unexpected(ran.error());
    const auto text = read_file(*path);
    if (!text) return tl::unexpected(text.error());
    const auto content = content_of(*text);
    if (content == content_of(shown) && again)
      return failure(kOperation, *path, "the mistakes are still there, so nothing was changed",
                     "mend the file, then: sextant pi create -f " + *path);
    if (content.empty() || content == content_of(shown)) {
      std::filesystem::remove(*path);
      return Edited{};
    }
    const auto set = injector::read_policies({{*path, *text}});
    auto mistakes = mistakes_of(set);
    if (mistakes.empty() && set.wanted().empty()) mistakes = "there is no policy left in it";
    if (mistakes.empty())
      return Edited{.difference = injector::difference(policies, set.wanted()), .file = *path};
    shown = with_mistakes(*path, mistakes, content);
    if (auto written = write_file(*path, shown); !written) return tl::unexpected(written.error());
  }
}

}  // namespace sextant::cli
