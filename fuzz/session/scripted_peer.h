// A peer of the speaker under test that does what it is told: any bytes at any time, on one
// connection or several. What comes from the speaker it reads and judges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/message.h"

namespace sextant::fuzz {

class ScriptedPeer {
 public:
  /// `address`: 127.0.0.N, of its own.
  explicit ScriptedPeer(std::uint32_t address);

  /// Where the speaker connects to.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Nothing is there to connect to any more.
  void stop_listening() { listener_.reset(); }

  void connect(std::uint16_t speaker_port);
  /// Takes the oldest connection that the speaker made, if there is one.
  void accept();
  /// Another of its connections is the one that the next calls are about.
  void turn_to(std::size_t number);
  /// As they are. What the speaker's side has no room for is lost.
  void send(std::span<const std::uint8_t> bytes);
  /// An OPEN follows that agrees on these facts: attributes are judged by them. Where something
  /// else was sent before, they are not looked at.
  void expect(const bgp::SessionFacts& facts);
  void close();
  void reset();
  void reset_all();
  /// Reads what the speaker sent, unless `deaf`. What no speaker may send ends the fuzzer.
  void read();
  void set_deaf(bool deaf) { deaf_ = deaf; }

 private:
  struct Connection {
    UniqueFd fd;
    std::vector<std::uint8_t> unread = {};
    std::size_t messages = 0;
    bool spoken = false;
    std::optional<bgp::SessionFacts> facts = {};
  };
  void add(UniqueFd fd);
  static void judge(Connection& connection, const bgp::Message& message);

  std::uint32_t address_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::vector<Connection> connections_;
  std::size_t current_ = 0;
  bool deaf_ = false;
};

}  // namespace sextant::fuzz
