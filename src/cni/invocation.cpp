#include "cni/invocation.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace sextant::cni {
namespace {

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_container_id(std::string_view id) {
  return !id.empty() && is_alphanumeric(id.front()) &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

// The kernel's dev_valid_name(): at most 15 bytes, no '/', ':' or blanks, neither "." nor "..".
bool is_ifname(std::string_view name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || c == ':' || std::isspace(static_cast<unsigned char>(c)) != 0;
         });
}

std::vector<std::string> split_path(const std::string& text) {
  std::vector<std::string> folders;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(':', start), text.size());
    if (end > start) folders.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return folders;
}

std::optional<Command> parse_command(std::string_view text) {
  if (text == "ADD") return Command::kAdd;
  if (text == "DEL") return Command::kDel;
  if (text == "CHECK") return Command::kCheck;
  if (text == "GC") return Command::kGc;
  if (text == "STATUS") return Command::kStatus;
  if (text == "VERSION") return Command::kVersion;
  return std::nullopt;
}

}  // namespace

Outcome<Invocation> read_invocation(const Environment& environment) {
  const auto get = [&](const char* name) { return environment(name).value_or(""); };
  const std::string command_text = get("CNI_COMMAND");
  const auto command = parse_command(command_text);
  if (!command) {
    return refuse(ErrorCode::kInvalidEnvironment,
                  "CNI_COMMAND: " +
                      (command_text.empty() ? "not set" : "unknown command '" + command_text + "'"),
                  "sextant-cni is run by a container runtime; it knows ADD, DEL, CHECK, GC, STATUS "
                  "and VERSION");
  }
  Invocation invocation{.command = *command};
  if (*command == Command::kVersion) return invocation;

  invocation.container_id = get("CNI_CONTAINERID");
  invocation.netns = get("CNI_NETNS");
  invocation.ifname = get("CNI_IFNAME");
  invocation.plugin_path = split_path(get("CNI_PATH"));
  std::string wrong;
  const auto complain = [&](bool good, const char* name, const std::string& value) {
    if (good) return;
    if (!wrong.empty()) wrong += ", ";
    wrong += name + (value.empty() ? std::string(": not set") : ": invalid '" + value + "'");
  };
  // GC and STATUS are about the network, not about a container.
  if (*command != Command::kGc && *command != Command::kStatus) {
    complain(is_container_id(invocation.container_id), "CNI_CONTAINERID", invocation.container_id);
    complain(is_ifname(invocation.ifname), "CNI_IFNAME", invocation.ifname);
    // The namespace may be gone when the container is deleted: then runtimes pass none.
    complain(*command == Command::kDel || !invocation.netns.empty(), "CNI_NETNS", invocation.netns);
  }
  complain(!invocation.plugin_path.empty(), "CNI_PATH", "");
  if (!wrong.empty()) return refuse(ErrorCode::kInvalidEnvironment, wrong);
  return invocation;
}

}  // namespace sextant::cni
