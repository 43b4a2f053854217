#include "cli/pod_names.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iterator>

#include "cli/json_reading.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

/// CNI_ARGS, as a list of pairs.
std::string argument(const json::value& attachment, std::string_view name) {
  for (const auto& pair : elements(member(attachment, "cniArgs"))) {
    const auto& both = elements(&pair);
    if (both.size() == 2 && text_of(&both[0]) == name) return text_of(&both[1]);
  }
  return {};
}

bool is_called(const PodName& pod, const std::string& text) {
  return pod.name == text || pod.name.ends_with("/" + text);
}

}  // namespace

std::optional<PodName> read_cached_attachment(const std::string& text) {
  json::error_code error;
  const auto attachment = json::parse(text, error);
  if (error) return std::nullopt;
  const auto space = argument(attachment, "K8S_POD_NAMESPACE");
  const auto name = argument(attachment, "K8S_POD_NAME");
  const auto* result = member(attachment, "result");
  if (name.empty() || result == nullptr) return std::nullopt;
  PodName pod{.name = space.empty() ? name : space + "/" + name, .addresses = {}};
  for (const auto& ip : elements(member(*result, "ips"))) {
    const auto address = text_of(member(ip, "address"));  // with its prefix length
    if (auto parsed = IpAddress::parse(address.substr(0, address.find('/'))))
      pod.addresses.push_back(*parsed);
  }
  return pod.addresses.empty() ? std::nullopt : std::optional(pod);
}

std::vector<PodName> list_pod_names(const std::filesystem::path& cache) {
  std::vector<PodName> pods;
  std::error_code ignored;  // pods come and go while we look
  for (const auto& entry : std::filesystem::directory_iterator(cache, ignored)) {
    std::ifstream file(entry.path());
    if (auto pod = read_cached_attachment({std::istreambuf_iterator<char>(file), {}}))
      pods.push_back(std::move(*pod));
  }
  std::ranges::sort(pods, {}, &PodName::name);
  return pods;
}

Result<std::optional<IpAddress>> pod_address(const std::vector<PodName>& pods,
                                             const std::string& text,
                                             std::optional<Family> family) {
  const PodName* found = nullptr;
  for (const auto& pod : pods) {
    if (!is_called(pod, text)) continue;
    if (found != nullptr && found->name != pod.name)
      return failure("trace", text, "several pods are called so: " + found->name + ", " + pod.name,
                     "put the namespace before it");
    if (found == nullptr) found = &pod;
  }
  if (found == nullptr) return std::optional<IpAddress>{};
  for (const auto& address : found->addresses)
    if (!family || address.family() == *family) return std::optional(address);
  return failure("trace", text, "pod has no " + std::string(to_string(*family)) + " address");
}

std::string pod_name(const std::vector<PodName>& pods, const IpAddress& address) {
  for (const auto& pod : pods)
    if (std::ranges::find(pod.addresses, address) != pod.addresses.end()) return pod.name;
  return {};
}

}  // namespace sextant::cli
