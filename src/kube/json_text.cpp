#include "kube/json_text.h"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>
#include <optional>

namespace sextant::kube {

namespace json = boost::json;

namespace {
constexpr std::size_t kDepth = 128;  // managedFields of deep schemas go past the default of 32
}

const json::value* member(const json::object& object, std::string_view name) {
  return object.if_contains({name.data(), name.size()});
}

const json::value* member(const json::value& value, std::string_view name) {
  const auto* const object = value.if_object();
  return object == nullptr ? nullptr : member(*object, name);
}

std::string text_member(const json::object& object, std::string_view name) {
  const auto* const value = member(object, name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string text_member(const json::value& value, std::string_view name) {
  const auto* const object = value.if_object();
  return object == nullptr ? std::string() : text_member(*object, name);
}

std::string key_of(const json::object& object) {
  const auto* const metadata = member(object, "metadata");
  if (metadata == nullptr) return {};
  auto name = text_member(*metadata, "name");
  const auto ns = text_member(*metadata, "namespace");
  return ns.empty() || name.empty() ? name : ns + "/" + name;
}

std::string version_of(const json::object& object) {
  const auto* const metadata = member(object, "metadata");
  return metadata == nullptr ? std::string() : text_member(*metadata, "resourceVersion");
}

json::value parse_json(std::string_view text, boost::system::error_code& error) {
  json::parse_options options;
  options.max_depth = kDepth;
  return json::parse({text.data(), text.size()}, error, {}, options);
}

struct ObjectParser::Memory {
  std::array<unsigned char, 65536> buffer;
  std::array<unsigned char, 16384> scratch;
  // Made anew for each object: release() keeps the size of the next block, which doubles with each
  // object that does not fit the buffer, until no allocation can succeed.
  std::optional<json::monotonic_resource> resource;
  std::optional<json::value> value;
};

ObjectParser::ObjectParser() : memory_(std::make_unique<Memory>()) {}
ObjectParser::~ObjectParser() = default;

const json::object* ObjectParser::parse(std::string_view text) {
  memory_->value.reset();
  memory_->resource.emplace(memory_->buffer.data(), memory_->buffer.size());
  json::parse_options options;
  options.max_depth = kDepth;
  json::parser parser({}, options, memory_->scratch.data(), memory_->scratch.size());
  parser.reset(&*memory_->resource);
  json::error_code bad;
  parser.write(text.data(), text.size(), bad);
  if (bad) {
    error_ = bad.message();
    return nullptr;
  }
  memory_->value.emplace(parser.release());
  const auto* const object = memory_->value->if_object();
  if (object == nullptr) error_ = "it is no object";
  return object;
}

}  // namespace sextant::kube
