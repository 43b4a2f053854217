#include "cni/attachment_result.h"

#include <limits>
#include <utility>

#include "cni/json_fields.h"

namespace sextant::cni {
namespace {

namespace json = boost::json;

// Calls `read(element, "where name[i].")` for each element of a list of objects; a missing list is
// empty.
template <typename Read>
Result<void> each_object(const json::object& object, std::string_view name, std::string_view where,
                         Read read) {
  const auto* list = find_field(object, name);
  if (list == nullptr) return {};
  const std::string field = std::string(where) + std::string(name);
  if (!list->is_array()) return wrong_field(field, "a list", *list);
  std::size_t index = 0;
  for (const auto& element : list->get_array()) {
    const std::string path = field + "[" + std::to_string(index++) + "]";
    if (!element.is_object()) return wrong_field(path, "an object", element);
    if (Result<void> done = read(element.get_object(), path + "."); !done) return done;
  }
  return {};
}

tl::unexpected<Error> wrong_text(const std::string& field, const Error& error) {
  return failure("read", field, error.object + ": " + error.cause, error.hint);
}

Result<std::optional<IpAddress>> address_field(const json::object& object, std::string_view name,
                                               const std::string& where) {
  const auto text = text_field(object, name, where);
  if (!text) return tl::unexpected(text.error());
  if (text->empty()) return std::optional<IpAddress>{};
  const auto address = IpAddress::parse(*text);
  if (!address) return wrong_text(where + std::string(name), address.error());
  return std::optional<IpAddress>(*address);
}

// A number that must fit 32 bits; nothing where the field is missing.
Result<std::optional<std::uint32_t>> u32_field(const json::object& object, std::string_view name,
                                               const std::string& where) {
  const auto* value = find_field(object, name);
  if (value == nullptr) return std::optional<std::uint32_t>{};
  if (!value->is_int64() || value->get_int64() < 0 ||
      value->get_int64() > std::numeric_limits<std::uint32_t>::max()) {
    return wrong_field(where + std::string(name), "a whole number", *value);
  }
  return std::optional<std::uint32_t>(static_cast<std::uint32_t>(value->get_int64()));
}

Result<ResultInterface> parse_interface(const json::object& object, const std::string& where) {
  ResultInterface interface;
  for (const auto& [name, field] : {std::pair("name", &ResultInterface::name),
                                    {"mac", &ResultInterface::mac},
                                    {"sandbox", &ResultInterface::sandbox},
                                    {"socketPath", &ResultInterface::socket_path},
                                    {"pciID", &ResultInterface::pci_id}}) {
    auto text = text_field(object, name, where);
    if (!text) return tl::unexpected(text.error());
    interface.*field = std::move(*text);
  }
  const auto mtu = u32_field(object, "mtu", where);
  if (!mtu) return tl::unexpected(mtu.error());
  interface.mtu = *mtu;
  return interface;
}

constexpr std::pair<const char*, std::optional<std::uint32_t> ResultRoute::*> kRouteNumbers[] = {
    {"mtu", &ResultRoute::mtu},
    {"advmss", &ResultRoute::advmss},
    {"priority", &ResultRoute::priority},
    {"table", &ResultRoute::table},
    {"scope", &ResultRoute::scope}};

Result<ResultRoute> parse_route(const json::object& object, const std::string& where) {
  const auto text = text_field(object, "dst", where);
  if (!text) return tl::unexpected(text.error());
  const auto destination = IpPrefix::parse(*text);
  if (!destination) return wrong_text(where + "dst", destination.error());
  ResultRoute route{*destination};
  const auto gateway = address_field(object, "gw", where);
  if (!gateway) return tl::unexpected(gateway.error());
  route.gateway = *gateway;
  for (const auto& [name, field] : kRouteNumbers) {
    const auto value = u32_field(object, name, where);
    if (!value) return tl::unexpected(value.error());
    route.*field = *value;
  }
  return route;
}

// "172.16.0.2/26": an address with its network's length, unlike an IpPrefix.
Result<ResultIp> parse_ip(const json::object& object, const std::string& where) {
  const auto text = text_field(object, "address", where);
  if (!text) return tl::unexpected(text.error());
  const std::size_t slash = text->find('/');
  const auto address = IpAddress::parse(text->substr(0, slash));
  if (!address) return wrong_text(where + "address", address.error());
  ResultIp ip{.address = *address};
  // The whole as a prefix checks the length; host bits are in order here.
  int length = -1;
  if (slash != std::string::npos && text->size() - slash <= 4) {
    length = 0;
    for (const char digit : text->substr(slash + 1)) {
      length = digit >= '0' && digit <= '9' && length >= 0 ? length * 10 + (digit - '0') : -1;
    }
    if (slash + 1 == text->size()) length = -1;
  }
  if (length < 0 || length > address_bits(address->family())) {
    return failure("read", where + "address", "'" + *text + "' has no valid prefix length",
                   "write it as 10.0.0.2/24");
  }
  ip.prefix_length = static_cast<std::uint8_t>(length);
  auto gateway = address_field(object, "gateway", where);
  if (!gateway) return tl::unexpected(gateway.error());
  ip.gateway = *gateway;
  if (const auto* index = find_field(object, "interface")) {
    // -1 was written for "none" by old plugins.
    if (!index->is_int64()) return wrong_field(where + "interface", "a whole number", *index);
    if (index->get_int64() >= 0) ip.interface = static_cast<std::size_t>(index->get_int64());
  }
  return ip;
}

json::array texts(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

json::object to_json(const ResultDns& dns) {
  json::object object;
  if (!dns.nameservers.empty()) object["nameservers"] = texts(dns.nameservers);
  if (!dns.domain.empty()) object["domain"] = dns.domain;
  if (!dns.search.empty()) object["search"] = texts(dns.search);
  if (!dns.options.empty()) object["options"] = texts(dns.options);
  return object;
}

}  // namespace

Result<ResultDns> parse_dns(const json::value& value, std::string_view where) {
  if (!value.is_object()) return wrong_field(where, "an object", value);
  const auto& object = value.get_object();
  const std::string prefix = std::string(where) + ".";
  auto nameservers = text_list_field(object, "nameservers", prefix);
  if (!nameservers) return tl::unexpected(nameservers.error());
  auto domain = text_field(object, "domain", prefix);
  if (!domain) return tl::unexpected(domain.error());
  auto search = text_list_field(object, "search", prefix);
  if (!search) return tl::unexpected(search.error());
  auto options = text_list_field(object, "options", prefix);
  if (!options) return tl::unexpected(options.error());
  return ResultDns{*nameservers, *domain, *search, *options};
}

Result<AttachmentResult> parse_result(const json::value& value, std::string_view where) {
  if (!value.is_object()) return wrong_field(where, "an object", value);
  const auto& object = value.get_object();
  AttachmentResult result;
  // Appends what `parse` reads to `list`.
  const auto into = [](auto& list, auto parse) {
    return [&list, parse](const json::object& each, const std::string& path) -> Result<void> {
      auto parsed = parse(each, path);
      if (!parsed) return tl::unexpected(parsed.error());
      list.push_back(std::move(*parsed));
      return {};
    };
  };
  auto done = each_object(object, "interfaces", where, into(result.interfaces, parse_interface));
  if (done) done = each_object(object, "ips", where, into(result.ips, parse_ip));
  if (done) done = each_object(object, "routes", where, into(result.routes, parse_route));
  if (!done) return tl::unexpected(done.error());
  if (const auto* dns = find_field(object, "dns")) {
    auto parsed = parse_dns(*dns, std::string(where) + "dns");
    if (!parsed) return tl::unexpected(parsed.error());
    result.dns = std::move(*parsed);
  }
  return result;
}

json::object to_json(const AttachmentResult& result, std::string_view cni_version) {
  const bool before_1_0 = cni_version.starts_with("0.");
  const bool before_1_1 = before_1_0 || cni_version == "1.0.0";
  json::array interfaces, ips, routes;
  for (const ResultInterface& each : result.interfaces) {
    json::object object{{"name", each.name}};
    if (!each.mac.empty()) object["mac"] = each.mac;
    if (!each.sandbox.empty()) object["sandbox"] = each.sandbox;
    if (!before_1_1) {
      if (each.mtu) object["mtu"] = *each.mtu;
      if (!each.socket_path.empty()) object["socketPath"] = each.socket_path;
      if (!each.pci_id.empty()) object["pciID"] = each.pci_id;
    }
    interfaces.push_back(std::move(object));
  }
  for (const ResultIp& each : result.ips) {
    json::object object;
    if (before_1_0) object["version"] = each.address.is_v4() ? "4" : "6";
    object["address"] = each.address.to_string() + "/" + std::to_string(each.prefix_length);
    if (each.gateway) object["gateway"] = each.gateway->to_string();
    if (each.interface) object["interface"] = *each.interface;
    ips.push_back(std::move(object));
  }
  for (const ResultRoute& each : result.routes) {
    json::object object{{"dst", each.destination.to_string()}};
    if (each.gateway) object["gw"] = each.gateway->to_string();
    if (!before_1_1) {
      for (const auto& [name, field] : kRouteNumbers) {
        if (each.*field) object[name] = *(each.*field);
      }
    }
    routes.push_back(std::move(object));
  }
  return {{"cniVersion", cni_version},
          {"interfaces", std::move(interfaces)},
          {"ips", std::move(ips)},
          {"routes", std::move(routes)},
          {"dns", to_json(result.dns)}};
}

}  // namespace sextant::cni
