#include <fmt/format.h>

#include <algorithm>

#include "testbed/testbed.h"

namespace sextant::testbed {
namespace {

constexpr std::size_t kMaxName = 16;
constexpr std::string_view kBase = "/run/sextant-testbed";

}  // namespace

Result<Id> Id::make(Kind kind, std::string name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.size() > kMaxName || !std::ranges::all_of(name, plain)) {
    return failure("name a testbed", fmt::format("'{}'", name), "not a usable name",
                   fmt::format("use 1 to {} lower-case letters and digits", kMaxName));
  }
  // "pod" would give a node the names of the default testbed's pods; "default" is its directory.
  if (name == "pod" || name == "default") {
    return failure("name a testbed", fmt::format("'{}'", name), "the name is reserved",
                   "choose another one");
  }
  return Id{kind, std::move(name)};
}

std::string Id::netns(std::string_view machine) const {
  return name_.empty() ? fmt::format("sx-{}", machine) : fmt::format("sx-{}-{}", name_, machine);
}

std::string Id::pod(std::string_view node, unsigned number) {
  return fmt::format("pod-{}-{}", node, number);
}

std::filesystem::path Id::directory() const {
  return std::filesystem::path{kBase} / (name_.empty() ? "default" : name_);
}

std::filesystem::path Id::config_map(std::string_view node) const {
  return manifests() / fmt::format("srv6-config-{}.yaml", node);
}

std::filesystem::path Id::socket(std::string_view node) const {
  return directory() / fmt::format("{}.sock", node);
}

std::string Id::title() const {
  return name_.empty() ? fmt::format("{} testbed", to_string(kind_))
                       : fmt::format("{} testbed '{}'", to_string(kind_), name_);
}

std::string Id::command(std::string_view verb) const {
  return fmt::format("sextant testbed {} {}{}", to_string(kind_), verb,
                     name_.empty() ? "" : " --name " + name_);
}

}  // namespace sextant::testbed
