#include "trace/capture_filter.h"

#include <map>
#include <string>

#include "base/bytes.h"
#include "trace/wire.h"

namespace sextant::trace {
namespace {

constexpr std::uint32_t kWhole = 0x40000;  // snap length

/// Jumps by name, forward only, as classic BPF has them.
class Assembler {
 public:
  void op(std::uint16_t code, std::uint32_t value = 0) {
    program_.push_back({.code = code, .jt = 0, .jf = 0, .k = value});
  }
  /// Compares the accumulator; an empty name goes on with the next instruction.
  void test(std::uint16_t comparison, std::uint32_t value, const char* yes, const char* no) {
    jumps_.push_back({program_.size(), yes, no});
    op(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value);
  }
  void label(const char* name) { labels_[name] = program_.size(); }

  std::vector<sock_filter> assemble() {
    for (const auto& jump : jumps_) {
      program_[jump.at].jt = distance(jump.at, jump.yes);
      program_[jump.at].jf = distance(jump.at, jump.no);
    }
    return std::move(program_);
  }

 private:
  struct Jump {
    std::size_t at;
    std::string yes, no;
  };
  [[nodiscard]] std::uint8_t distance(std::size_t from, const std::string& to) const {
    return to.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(labels_.at(to) - from - 1);
  }
  std::vector<sock_filter> program_;
  std::vector<Jump> jumps_;
  std::map<std::string, std::size_t> labels_;
};

std::uint32_t last_word(const IpAddress& address) {
  return ByteReader(address.bytes().last(4)).u32();
}

// Loads into the accumulator: a byte of the packet; a byte or a word behind the index register.
constexpr std::uint16_t kByte = BPF_LD | BPF_B | BPF_ABS;
constexpr std::uint16_t kIndexedByte = BPF_LD | BPF_B | BPF_IND;
constexpr std::uint16_t kIndexedWord = BPF_LD | BPF_W | BPF_IND;

/// What is behind the index register: addresses and protocol at the offsets of its family.
void compare(Assembler& out, const IpAddress& source, const IpAddress& destination) {
  const bool v4 = source.is_v4();
  const std::uint32_t from = v4 ? 12 : 20, to = v4 ? 16 : 36, protocol = v4 ? 9 : 6;
  out.op(kIndexedByte, 0);
  out.op(BPF_ALU | BPF_AND | BPF_K, 0xf0);
  out.test(BPF_JEQ, v4 ? 0x40 : 0x60, "", "drop");
  out.op(kIndexedWord, to);
  out.test(BPF_JEQ, last_word(destination), "outward", "");
  out.test(BPF_JEQ, last_word(source), "", "drop");
  out.op(kIndexedWord, from);
  out.test(BPF_JEQ, last_word(destination), "pass", "");
  out.op(kIndexedByte, protocol);
  out.test(BPF_JEQ, v4 ? wire::kIcmp : wire::kIcmpv6, "pass", "drop");
  out.label("outward");
  out.op(kIndexedWord, from);
  out.test(BPF_JEQ, last_word(source), "pass", "drop");
}

}  // namespace

std::vector<sock_filter> capture_filter(const IpAddress& source, const IpAddress& destination) {
  Assembler out;
  out.op(kByte, 0);
  out.op(BPF_ALU | BPF_AND | BPF_K, 0xf0);
  out.test(BPF_JEQ, 0x60, "", "plain");
  out.op(kByte, 6);  // next header
  out.test(BPF_JEQ, wire::kIcmpv6, "icmp", "");
  out.test(BPF_JEQ, wire::kRouting, "srh", "");
  out.test(BPF_JEQ, wire::kIpv4, "bare", "");
  out.test(BPF_JEQ, wire::kIpv6, "bare", "plain");
  out.label("icmp");
  out.op(kByte, 40);
  out.test(BPF_JGE, wire::kEcho6, "plain", "pass");
  out.label("bare");
  out.op(BPF_LDX | BPF_W | BPF_IMM, 40);
  out.test(BPF_JEQ, 0, "inner", "inner");
  out.label("srh");
  out.op(kByte, 41);  // RFC 8754 section 2: units of 8 bytes, not counting the first
  out.op(BPF_ALU | BPF_LSH | BPF_K, 3);
  out.op(BPF_ALU | BPF_ADD | BPF_K, 48);
  out.op(BPF_MISC | BPF_TAX);
  out.test(BPF_JEQ, 0, "inner", "inner");
  out.label("plain");
  out.op(BPF_LDX | BPF_W | BPF_IMM, 0);
  out.label("inner");
  compare(out, source, destination);
  out.label("drop");
  out.op(BPF_RET | BPF_K, 0);
  out.label("pass");
  out.op(BPF_RET | BPF_K, kWhole);
  return out.assemble();
}

}  // namespace sextant::trace
