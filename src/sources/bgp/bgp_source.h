// BGP beside another source: nodes and SR Policies that peers announce, and what this node
// announces of itself.
//
//   other source -> IntentMerge -> listener          Speaker (bgp/speaker.h) -> RouteBook ->
//   IntentMerge this node in the merged intent -> announcements -> Speaker the other source's nodes
//   -> mesh           -> Speaker's peers
//
// Peers come from the settings, and where these say so from Calico's objects (calico_peers.h) that
// the other source reads; a change of one touches no other session. What belongs to the speaker as
// a whole stays as it was at the start, and findings() says so.
//
// What the agent makes of policies goes back to their injectors -> policy_states.h
//
// One thread, the loop's. The sessions begin once the other source knows this node's address. Where
// a port cannot be had, this side connects all the same, and the port is tried again. At an agent's
// restart loaded() waits for the peers' End-of-RIB, so that forwarding stays as it is until
// they have said everything again (RFC 4724).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bgp/speaker.h"
#include "sources/bgp/announcements.h"
#include "sources/bgp/intent_merge.h"
#include "sources/bgp/policy_states.h"
#include "sources/bgp/route_book.h"
#include "sources/bgp/settings.h"
#include "sources/finding_log.h"
#include "sources/source.h"

namespace sextant::bgp_source {

class BgpSource final : public sources::Source, private bgp::SpeakerListener {
 public:
  struct Options {
    std::string node;         // this one's name
    std::string file;         // of the settings, read again by reload()
    bool restarting = false;  // an earlier agent's forwarding is in place
  };
  /// `io` must outlive it.
  BgpSource(boost::asio::io_context& io, std::unique_ptr<sources::Source> primary,
            BgpSettings settings, Options options);
  ~BgpSource() override;

  void start(Listener listener) override;
  /// The settings too: peers are added, changed and removed one by one. What belongs to the speaker
  /// as a whole needs a restart of the agent, which findings() says.
  void reload() override;

  [[nodiscard]] const overlay::Intent& intent() const override { return merge_.intent(); }
  [[nodiscard]] std::vector<sources::Finding> findings() const override;
  [[nodiscard]] bool loaded() const override;
  [[nodiscard]] std::string obstacle() const override;
  [[nodiscard]] bool in_doubt(const std::string& node) const override;
  [[nodiscard]] std::string kind() const override { return primary_->kind(); }
  [[nodiscard]] std::string place() const override { return primary_->place(); }
  [[nodiscard]] std::optional<sources::ServerState> server() const override {
    return primary_->server();
  }

  /// Asked a moment after outcomes_changed(), and after changes of routes.
  void tell_outcomes(std::function<PathOutcomes()> outcomes) { outcomes_ = std::move(outcomes); }
  void outcomes_changed();

  /// Null before the sessions begin.
  [[nodiscard]] const bgp::Speaker* speaker() const { return speaker_.get(); }
  [[nodiscard]] bgp::Speaker* speaker() { return speaker_.get(); }
  [[nodiscard]] const RouteBook& book() const { return book_; }

 private:
  using Key = std::pair<bgp::Family, std::variant<IpPrefix, bgp::SrPolicyNlri>>;

  void on_routes(bgp::Family family, std::span<const bgp::RouteChange> changes) override;
  void on_rejected() override;
  void on_peer(const bgp::PeerInfo& peer) override;
  void on_converged() override;

  void hear(const Result<overlay::IntentChange>& change);
  /// What the merged intent says of this node and of peers, told to the speaker.
  void settle();
  /// What is to be spoken, with all peers and places to listen.
  [[nodiscard]] bgp::SpeakerConfig wanted(const overlay::Node& self);
  [[nodiscard]] std::vector<bgp::PeerConfig> mesh(const overlay::Node& self) const;
  [[nodiscard]] bool begin(const overlay::Node& self, bgp::SpeakerConfig config);
  void listen();
  void set_peers(const bgp::SpeakerConfig& config);
  /// Whether the speaker can follow without a restart of the agent.
  [[nodiscard]] bool follows(const bgp::SpeakerConfig& config);
  void announce(const overlay::Node& self);
  /// Who has not told all routes after a restart; "none".
  [[nodiscard]] std::string missing_peers() const;
  [[nodiscard]] std::vector<sources::Finding> waiting() const;
  [[nodiscard]] RouteOrigin origin_of(const bgp::Path& path, const bgp::AttributeSet& set) const;
  void take(bgp::Family family, const bgp::RouteChange& change);
  void tell_states();

  boost::asio::io_context& io_;
  std::unique_ptr<sources::Source> primary_;
  BgpSettings settings_;
  Options options_;
  // Of the settings at the start:
  overlay::LocatorReach reach_;
  bool follows_calico_;  // and so the other source reads its objects
  RouteBook book_;
  IntentMerge merge_;
  Listener listener_;
  boost::asio::steady_timer retry_;  // to listen where another has the port
  std::unique_ptr<bgp::Speaker> speaker_;
  bool converged_ = false;                           // since the start of the sessions
  std::vector<bgp::PeerConfig> peers_;               // as told to the speaker
  std::vector<bgp::ListenConfig> listen_, unheard_;  // as wanted at the start; those not yet had
  std::vector<sources::PrefixAdvertisement> advertisements_;
  std::map<Key, Announcement> announced_;
  PolicyStates states_;
  std::set<IpAddress> told_peers_;  // those that speak BGP-LS: without one nothing is worked out
  std::function<PathOutcomes()> outcomes_;
  boost::asio::steady_timer telling_;  // of what became of policies
  bool telling_soon_ = false;
  std::chrono::steady_clock::duration states_cost_{};  // of working it out, the last time
  void note(const std::string& topic, sources::Severity severity, std::string reason);
  /// What is not understood of the settings.
  void note_warnings();
  std::map<std::string, sources::Finding> findings_;  // of the settings and the speaker, by topic
  std::vector<sources::Finding> object_findings_;
  sources::FindingLog object_log_;
};

}  // namespace sextant::bgp_source
