#include "bgp/wire/as_path.h"

#include <algorithm>

#include "bgp/wire/open.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kMaxSegment = 255;

using Type = AsSegment::Type;

bool is_confederation(const AsSegment& segment) {
  return segment.type == Type::kConfedSequence || segment.type == Type::kConfedSet;
}

}  // namespace

std::size_t AsPath::length() const {
  std::size_t length = 0;
  for (const auto& segment : segments) {
    if (segment.type == Type::kSequence) length += segment.asns.size();
    if (segment.type == Type::kSet) ++length;
  }
  return length;
}

std::optional<std::uint32_t> AsPath::neighbor() const {
  const auto first = std::ranges::find_if_not(segments, is_confederation);
  if (first == segments.end() || first->type != Type::kSequence) return std::nullopt;
  return first->asns.front();
}

bool AsPath::contains(std::uint32_t asn) const {
  return std::ranges::any_of(segments, [&](const AsSegment& segment) {
    return std::ranges::find(segment.asns, asn) != segment.asns.end();
  });
}

void AsPath::prepend(std::uint32_t asn) {
  if (segments.empty() || segments.front().type != Type::kSequence ||
      segments.front().asns.size() >= kMaxSegment) {
    segments.insert(segments.begin(), AsSegment{Type::kSequence, {}});
  }
  auto& asns = segments.front().asns;
  asns.insert(asns.begin(), asn);
}

std::string AsPath::to_string() const {
  std::string text;
  for (const auto& segment : segments) {
    if (!text.empty()) text += " ";
    const char* brackets = segment.type == Type::kSet              ? "{}"
                           : segment.type == Type::kConfedSequence ? "()"
                           : segment.type == Type::kConfedSet      ? "[]"
                                                                   : "";
    if (brackets[0] != '\0') text += brackets[0];
    for (std::size_t i = 0; i < segment.asns.size(); ++i) {
      if (i > 0) text += " ";
      text += std::to_string(segment.asns[i]);
    }
    if (brackets[0] != '\0') text += brackets[1];
  }
  return text;
}

Result<AsPath> decode_as_path(std::span<const std::uint8_t> value, bool four_octets) {
  const auto bad = [](std::string cause) { return failure("read", "AS_PATH", std::move(cause)); };
  AsPath path;
  ByteReader reader(value);
  while (reader.remaining() > 0) {
    AsSegment segment;
    const unsigned type = reader.u8();
    const std::size_t count = reader.u8();
    auto numbers = reader.sub(count * (four_octets ? 4 : 2));
    if (!reader.ok()) return bad("a segment overruns the attribute");
    if (type < 1 || type > 4) return bad("segment type " + std::to_string(type) + " is unknown");
    if (count == 0) return bad("a segment is empty");
    segment.type = static_cast<Type>(type);
    segment.asns.reserve(count);
    while (numbers.remaining() > 0) {
      segment.asns.push_back(four_octets ? numbers.u32() : numbers.u16());
    }
    path.segments.push_back(std::move(segment));
  }
  return path;
}

void encode(const AsPath& path, bool four_octets, ByteWriter& out) {
  for (const auto& segment : path.segments) {
    // More numbers than the count can say go into another segment of the type.
    for (std::size_t at = 0; at < segment.asns.size(); at += kMaxSegment) {
      const std::size_t count = std::min(kMaxSegment, segment.asns.size() - at);
      out.u8(static_cast<std::uint8_t>(segment.type));
      out.u8(static_cast<std::uint8_t>(count));
      for (std::size_t i = at; i < at + count; ++i) {
        const auto asn = segment.asns[i];
        if (four_octets) {
          out.u32(asn);
        } else {
          out.u16(static_cast<std::uint16_t>(asn > 0xffff ? kAsTrans : asn));
        }
      }
    }
  }
}

AsPath merge_as4_path(const AsPath& path, const AsPath& as4_path) {
  AsPath tail;
  std::ranges::copy_if(as4_path.segments, std::back_inserter(tail.segments),
                       [](const AsSegment& segment) { return !is_confederation(segment); });
  const std::size_t long_way = path.length();
  const std::size_t known = tail.length();
  if (long_way < known) return path;  // RFC 6793 section 4.2.3: AS4_PATH is ignored
  // What old speakers put in front since: as many numbers as AS4_PATH does not know.
  AsPath merged;
  std::size_t wanted = long_way - known;
  for (const auto& segment : path.segments) {
    if (is_confederation(segment)) {
      merged.segments.push_back(segment);
      continue;
    }
    if (wanted == 0) break;
    AsSegment front = segment;
    if (front.type == Type::kSequence) {
      if (front.asns.size() > wanted) front.asns.resize(wanted);
      wanted -= front.asns.size();
    } else {
      --wanted;
    }
    merged.segments.push_back(std::move(front));
  }
  for (auto& segment : tail.segments) {
    // One sequence stays one, as far as its count allows.
    if (!merged.segments.empty() && segment.type == Type::kSequence &&
        merged.segments.back().type == Type::kSequence &&
        merged.segments.back().asns.size() + segment.asns.size() <= kMaxSegment) {
      auto& asns = merged.segments.back().asns;
      asns.insert(asns.end(), segment.asns.begin(), segment.asns.end());
    } else {
      merged.segments.push_back(std::move(segment));
    }
  }
  return merged;
}

}  // namespace sextant::bgp
