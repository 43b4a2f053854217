// What becomes of an UPDATE with errors. RFC 7606 section 2; the worst of all faults wins
// (section 3 h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bgp/wire/notification.h"

namespace sextant::bgp {

/// From mild to severe.
enum class Verdict : std::uint8_t {
  kAccept,
  kAttributeDiscard,  // what is malformed is left out, the routes stand
  kTreatAsWithdraw,   // all routes of the UPDATE count as withdrawn
  kAfiSafiDisable,    // the family is ignored for the rest of the session
  kSessionReset,
};

/// "treat-as-withdraw"
[[nodiscard]] std::string_view to_string(Verdict verdict);

struct Fault {
  Verdict verdict = Verdict::kSessionReset;
  std::uint8_t attribute = 0;  // type code; 0 where no attribute is at fault
  std::string reason;          // "ORIGIN is 7 (RFC 4271 section 5.1.1)": for `bgp rib --rejected`
  // Of the NOTIFICATION, should the session end over it.
  UpdateError error = UpdateError::kUnspecific;
  std::vector<std::uint8_t> data = {};
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// The faults of one UPDATE, in the order in which they were found. Costs nothing where there are
/// none, and little where a peer puts thousands into one message: the reason is kept for each of
/// its routes.
class Judgement {
 public:
  static constexpr std::size_t kMostKept = 16;

  [[nodiscard]] Verdict verdict() const { return worst_; }
  /// The first ones, and each that was worse than all before it.
  [[nodiscard]] const std::vector<Fault>& faults() const { return faults_; }
  [[nodiscard]] std::size_t count() const { return faults_.size() + more_; }
  void add(Fault fault);
  void add(const Judgement& other);
  /// The reasons of faults(), the most severe first, and how many more there are; empty where there
  /// are none.
  [[nodiscard]] std::string reasons() const;
  /// What to send when the session ends over it: of the first fault of the worst verdict.
  /// Precondition: there is a fault.
  [[nodiscard]] Notification notification() const;
  friend bool operator==(const Judgement&, const Judgement&) = default;

 private:
  Verdict worst_ = Verdict::kAccept;
  std::vector<Fault> faults_;
  std::size_t more_ = 0;  // not kept
};

}  // namespace sextant::bgp
