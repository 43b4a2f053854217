#include "crafted.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "testbed/netns_socket.h"

namespace sextant::conformance {

namespace {

// Debian's own Python, for which Debian's scapy is installed.
constexpr const char* kPython = "/usr/bin/python3";

// Reads "name<TAB>expression" lines, writes "@hex<TAB>name" lines among others that scapy may
// print.
constexpr std::string_view kProgram = R"(
import sys
from scapy.layers.inet import *
from scapy.layers.inet6 import *
from scapy.packet import Raw
for line in sys.stdin:
    name, expression = line.rstrip("\n").split("\t")
    packets = eval(expression)
    for packet in packets if isinstance(packets, list) else [packets]:
        print("@" + bytes(packet).hex() + "\t" + name)
)";

std::vector<std::uint8_t> bytes_of(std::string_view hex) {
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* const digits = hex.data() + 2 * i;
    if (std::from_chars(digits, digits + 2, bytes[i], 16).ptr != digits + 2) {
      throw std::runtime_error("not hexadecimal: " + std::string(hex));
    }
  }
  return bytes;
}

}  // namespace

std::string missing_scapy() {
  return std::filesystem::exists("/usr/lib/python3/dist-packages/scapy")
             ? ""
             : "scapy is not installed (Debian: python3-scapy)";
}

std::map<std::string, std::vector<Frame>> craft(
    const std::map<std::string, std::string>& expressions) {
  std::string input;
  for (const auto& [name, expression] : expressions) input += name + "\t" + expression + "\n";
  const LabNetns netns("craft");  // scapy looks at routes and devices when it is loaded
  const auto output = netns.run({kPython, "-c", std::string(kProgram)}, input);
  if (!output.ok()) throw std::runtime_error("scapy: " + output.text);
  std::map<std::string, std::vector<Frame>> packets;
  std::istringstream lines(output.text);
  for (std::string line; std::getline(lines, line);) {
    const auto tab = line.find('\t');
    if (!line.starts_with('@') || tab == std::string::npos) continue;
    packets[line.substr(tab + 1)].push_back(bytes_of(line.substr(1, tab - 1)));
  }
  for (const auto& [name, expression] : expressions) {
    if (!packets.contains(name)) throw std::runtime_error("scapy made nothing of " + name);
  }
  return packets;
}

FrameSender::FrameSender(const LabNetns& netns, const std::string& device,
                         const std::string& destination) {
  fd_ = must(testbed::socket_in_netns(netns.name(), AF_PACKET, SOCK_DGRAM, 0));
  device_ =
      static_cast<int>(must(netns.netns().run([&] { return ::if_nametoindex(device.c_str()); })));
  std::string hex = destination;
  std::erase(hex, ':');
  destination_ = bytes_of(hex);
  if (device_ == 0) throw std::runtime_error("no device " + device + " in " + netns.name());
}

void FrameSender::send(const Frame& packet) const {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(packet.at(0) >> 4 == 4 ? 0x0800 : 0x86dd);
  to.sll_ifindex = device_;
  to.sll_halen = 6;
  std::memcpy(to.sll_addr, destination_.data(), destination_.size());
  if (::sendto(fd_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
               sizeof to) != static_cast<ssize_t>(packet.size())) {
    throw std::runtime_error(fmt::format("cannot send a frame: {}", std::strerror(errno)));
  }
}

}  // namespace sextant::conformance
