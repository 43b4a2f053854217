#include "kube/resource.h"

#include <fmt/format.h>

namespace sextant::kube {
namespace {

// RFC 3986 section 2.3
bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void add_encoded(std::string& target, std::string_view text) {
  for (const char c : text) {
    if (is_unreserved(c))
      target += c;
    else
      target += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
}

}  // namespace

std::string api_version(const Resource& resource) {
  return resource.group.empty() ? resource.version : resource.group + "/" + resource.version;
}

std::string to_string(const Resource& resource) {
  return resource.group.empty() ? resource.plural : resource.plural + "." + resource.group;
}

std::string to_string(const ObjectRef& ref) {
  auto text = to_string(ref.resource) + " ";
  if (!ref.ns.empty()) text += ref.ns + "/";
  return text + ref.name;
}

std::string collection_path(const Resource& resource, std::string_view ns) {
  std::string path = resource.group.empty() ? "/api/" : "/apis/";
  path += api_version(resource);
  if (!ns.empty()) {
    path += "/namespaces/";
    add_encoded(path, ns);
  }
  path += "/";
  add_encoded(path, resource.plural);
  return path;
}

std::string object_path(const ObjectRef& ref, std::string_view subresource) {
  auto path = collection_path(ref.resource, ref.ns) + "/";
  add_encoded(path, ref.name);
  if (!subresource.empty()) {
    path += "/";
    path += subresource;
  }
  return path;
}

void add_query(std::string& target, std::string_view name, std::string_view value) {
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += name;
  target += '=';
  add_encoded(target, value);
}

}  // namespace sextant::kube
