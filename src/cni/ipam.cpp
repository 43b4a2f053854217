#include "cni/ipam.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/unique_fd.h"
#include "cni/json_fields.h"

namespace sextant::cni {
namespace {

namespace json = boost::json;

tl::unexpected<CniError> system_refusal(const std::string& operation, const std::string& object,
                                        int errno_value) {
  return refuse(ErrorCode::kIo, "cannot run the IPAM plugin",
                system_error(operation, object, errno_value).value());
}

// The configuration as a file in memory: the plugin reads it at its own pace, no pipe can block.
Outcome<UniqueFd> as_input(const std::string& text) {
  UniqueFd file(::memfd_create("cni-config", MFD_CLOEXEC));
  if (!file) return system_refusal("create", "a file in memory", errno);
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t size = ::write(file.get(), left.data(), left.size());
    if (size < 0 && errno != EINTR) return system_refusal("write", "a file in memory", errno);
    if (size > 0) left.remove_prefix(static_cast<std::size_t>(size));
  }
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return system_refusal("rewind", "", errno);
  return file;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

// Our own environment, but for `variables`.
std::vector<std::string> environment_with(std::vector<std::string> variables) {
  const std::size_t replaced = variables.size();
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view ours(*each);
    const bool kept =
        std::none_of(variables.begin(), variables.begin() + static_cast<std::ptrdiff_t>(replaced),
                     [&](const std::string& other) {
                       return ours.starts_with(other.substr(0, other.find('=') + 1));
                     });
    if (kept) variables.emplace_back(ours);
  }
  return variables;
}

// The highest version that both sides speak, not above ours of this call.
Outcome<std::string> common_version(const std::string& program, const std::string& answer,
                                    const std::string& ours) {
  boost::system::error_code parse_error;
  const json::value value = json::parse(answer, parse_error);
  if (parse_error || !value.is_object()) {
    return refuse(ErrorCode::kIpam, "IPAM plugin's VERSION is not a JSON object",
                  program + ": " + answer);
  }
  const auto theirs = text_list_field(value.get_object(), "supportedVersions");
  if (!theirs) return refuse(ErrorCode::kIpam, "IPAM plugin's VERSION is wrong", theirs.error());
  auto candidate = std::find(kSupportedVersions.rbegin(), kSupportedVersions.rend(), ours);
  for (; candidate != kSupportedVersions.rend(); ++candidate) {
    if (std::find(theirs->begin(), theirs->end(), *candidate) != theirs->end()) {
      return std::string(*candidate);
    }
  }
  return refuse(ErrorCode::kIncompatibleVersion,
                "cniVersion: the IPAM plugin speaks none that fits " + ours,
                program + ": " + answer);
}

// The configuration as a plugin of `version` understands it.
std::string in_version(const NetworkConfig& config, const std::string& version) {
  json::value value = json::parse(config.text);
  auto& object = value.get_object();
  object["cniVersion"] = version;
  if (config.previous) object["prevResult"] = to_json(*config.previous, version);
  return json::serialize(value);
}

// What the plugin says about itself, or that it said nothing useful.
CniError plugin_error(const std::string& program, int status, const std::string& output) {
  boost::system::error_code parse_error;
  const json::value value = json::parse(output, parse_error);
  if (!parse_error && value.is_object()) {
    const auto& object = value.get_object();
    const auto message = text_field(object, "msg"), details = text_field(object, "details");
    const auto* code = object.if_contains("code");
    if (message && !message->empty() && code != nullptr && code->is_int64()) {
      return {ErrorCode(static_cast<unsigned>(code->get_int64())), *message, details.value_or("")};
    }
  }
  const std::string end = WIFSIGNALED(status)
                              ? "was ended by signal " + std::to_string(WTERMSIG(status))
                              : "exited with status " + std::to_string(WEXITSTATUS(status));
  return {ErrorCode::kIpam, "IPAM plugin failed",
          program + " " + end + (output.empty() ? " and no output" : ": " + output)};
}

}  // namespace

Outcome<Ipam> Ipam::find(const NetworkConfig& config, const std::vector<std::string>& plugin_path) {
  std::string searched;
  for (const std::string& folder : plugin_path) {
    std::string program = folder + "/" + config.ipam_type;
    struct stat status {};
    if (::stat(program.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(program.c_str(), X_OK) == 0) {
      return Ipam(std::move(program), config);
    }
    searched += (searched.empty() ? "" : ":") + folder;
  }
  return refuse(ErrorCode::kInvalidConfig,
                "ipam.type: no plugin '" + config.ipam_type + "' in CNI_PATH",
                "searched " + searched);
}

Outcome<void> Ipam::negotiate() {
  if (negotiated_) return {};
  negotiated_ = true;
  const auto answer = run_once("VERSION", {});
  if (!answer) return tl::unexpected(answer.error());
  const auto version = common_version(program_, *answer, config_->cni_version);
  if (!version) return tl::unexpected(version.error());
  if (*version == version_) return {};
  version_ = *version;
  input_ = in_version(*config_, version_);
  return {};
}

Outcome<std::string> Ipam::run_once(const std::string& command,
                                    std::vector<std::string> variables) const {
  const auto input = as_input(input_);
  if (!input) return tl::unexpected(input.error());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_refusal("make a pipe", "", errno);
  const UniqueFd output(ends[0]);
  UniqueFd plugin_end(ends[1]);

  variables.push_back("CNI_COMMAND=" + command);
  variables = environment_with(std::move(variables));
  std::vector<char*> environment;
  for (std::string& each : variables) environment.push_back(each.data());
  environment.push_back(nullptr);
  std::string program = program_;
  std::array<char*, 2> arguments{program.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input->get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, plugin_end.get(), STDOUT_FILENO);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, program_.c_str(), &actions, nullptr, arguments.data(),
                                  environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return system_refusal("run", program_, error);
  plugin_end.reset();
  std::string text = read_all(output.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_refusal("wait for", program_, errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return tl::unexpected(plugin_error(program_, status, text));
}

Outcome<std::string> Ipam::run(const std::string& command,
                               const std::vector<std::string>& variables) {
  // 1.0.0 and older are tried first: almost every plugin speaks them, and asking costs a run.
  if (version_ == "1.1.0") {
    if (const auto agreed = negotiate(); !agreed) return tl::unexpected(agreed.error());
  }
  auto output = run_once(command, variables);
  if (output || output.error().code != ErrorCode::kIncompatibleVersion || negotiated_) {
    return output;
  }
  if (const auto agreed = negotiate(); !agreed) return tl::unexpected(agreed.error());
  return run_once(command, variables);
}

Outcome<AttachmentResult> Ipam::request_addresses() {
  const auto output = run("ADD");
  if (!output) return tl::unexpected(output.error());
  boost::system::error_code parse_error;
  const json::value value = json::parse(*output, parse_error);
  if (parse_error) {
    return refuse(ErrorCode::kIpam, "IPAM plugin's result is not JSON", program_ + ": " + *output);
  }
  auto result = parse_result(value, "");
  if (!result) return refuse(ErrorCode::kIpam, "IPAM plugin's result is wrong", result.error());
  if (result->ips.empty()) {
    return refuse(ErrorCode::kIpam, "IPAM plugin gave no address", program_ + ": " + *output);
  }
  return std::move(*result);
}

Outcome<AttachmentResult> Ipam::add() {
  auto result = request_addresses();
  if (!result) (void)del();  // its error would hide the one that matters
  return result;
}

Outcome<void> Ipam::del() {
  const auto output = run("DEL");
  if (!output) return tl::unexpected(output.error());
  return {};
}

Outcome<void> Ipam::del(const Owner& owner) {
  const auto output = run(
      "DEL", {"CNI_CONTAINERID=" + owner.container_id, "CNI_IFNAME=" + owner.ifname, "CNI_NETNS="});
  if (!output) return tl::unexpected(output.error());
  return {};
}

Outcome<void> Ipam::check() {
  const auto output = run("CHECK");
  if (!output) return tl::unexpected(output.error());
  return {};
}

Outcome<bool> Ipam::forward(const std::string& command) {
  if (const auto agreed = negotiate(); !agreed) return tl::unexpected(agreed.error());
  if (version_ != "1.1.0") return false;
  const auto output = run_once(command, {});
  if (!output) return tl::unexpected(output.error());
  return true;
}

}  // namespace sextant::cni
