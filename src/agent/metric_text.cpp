#include "agent/metric_text.h"

#include <fmt/format.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <sstream>

#include "base/utf8.h"

namespace sextant::agent {

Labels& Labels::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ',';
  text_ += name;
  text_ += "=\"";
  for (const char byte : as_utf8(value)) {
    switch (byte) {
      case '\\':
        text_ += "\\\\";
        break;
      case '"':
        text_ += "\\\"";
        break;
      case '\n':
        text_ += "\\n";
        break;
      default:
        text_ += byte;
    }
  }
  text_ += '"';
  return *this;
}

/// `help` is ours: it has nothing to escape.
void MetricText::begin(std::string_view name, std::string_view help, std::string_view type) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <typename Value>
void MetricText::add_value(const Labels& labels, Value value) {
  text_ += name_;
  if (!labels.text().empty()) {
    text_ += '{';
    text_ += labels.text();
    text_ += '}';
  }
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void MetricText::add(const Labels& labels, double value) { add_value(labels, value); }
void MetricText::add(const Labels& labels, std::uint64_t value) { add_value(labels, value); }

void MetricText::gauge(std::string_view name, std::string_view help, double value) {
  gauge(name, help);
  add(Labels{}, value);
}
void MetricText::counter(std::string_view name, std::string_view help, double value) {
  counter(name, help);
  add(Labels{}, value);
}

void MetricText::counts(const std::string& prefix, const std::string& what,
                        const std::vector<CountSample>& samples) {
  counter(prefix + "_packets_total", "Packets " + what + ".");
  for (const auto& sample : samples) add(sample.labels, sample.count.packets);
  counter(prefix + "_bytes_total", "Bytes of the packets " + what + ".");
  for (const auto& sample : samples) add(sample.labels, sample.count.bytes);
}

void MetricText::add(const prometheus::Registry& registry) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, registry.Collect());
  text_ += std::move(text).str();
}

}  // namespace sextant::agent
