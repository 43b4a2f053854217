#include "agent/json_log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "agent/time_text.h"
#include "base/log.h"
#include "base/utf8.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

json::object error_object(const Error& error) {
  json::object object{{"operation", as_utf8(error.operation)},
                      {"object", as_utf8(error.object)},
                      {"cause", as_utf8(error.cause)}};
  if (!error.hint.empty()) object["hint"] = as_utf8(error.hint);
  if (error.errno_value != 0) object["errno"] = error.errno_value;
  return object;
}

struct ToJson {
  json::value operator()(std::string_view text) const { return json::value(as_utf8(text)); }
  json::value operator()(std::int64_t number) const { return number; }
  json::value operator()(double number) const { return number; }
  json::value operator()(const Error* error) const { return error_object(*error); }
};

class JsonFormatter final : public spdlog::formatter {
 public:
  explicit JsonFormatter(std::string node) : node_(std::move(node)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto level = spdlog::level::to_string_view(message.level);
    json::object object{
        {"time", time_text(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
                     message.time))},
        {"level", json::string(level.data(), level.size())},
        {"node", node_},
        {"msg", as_utf8({message.payload.data(), message.payload.size()})}};
    for (const auto& field : log::fields())
      object[json::string_view(field.name.data(), field.name.size())] =
          std::visit(ToJson{}, field.value);
    const auto text = json::serialize(object);
    line.append(text.data(), text.data() + text.size());
    line.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>(node_);
  }

 private:
  std::string node_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> make_json_formatter(std::string node) {
  return std::make_unique<JsonFormatter>(as_utf8(node));
}

}  // namespace sextant::agent
