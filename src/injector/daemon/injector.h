// The policy injector without its surroundings: the store, the speaker, whoever watches.
//
//   API -> change -> PolicyStore (disk) -> Announcer -> Speaker -> peers
//   Speaker -> sessions, headends' answers -> reports -> watchers
//
// One thread, the loop's. Announcements begin with what the store kept, before the first session:
// a restart tells the peers the same routes again, and they never see one withdrawn (RFC 4724).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bgp/speaker.h"
#include "injector/daemon/announcer.h"
#include "injector/daemon/policy_store.h"
#include "injector/daemon/watchers.h"
#include "injector/difference.h"
#include "injector/headend_states.h"

namespace sextant::injector {

/// The families that an injector's peers are told of, where their settings name none.
[[nodiscard]] const std::vector<bgp::Family>& injector_families();

/// The settings of docs/reference-injector.md: those of BGP, less what only a node has. Errors: all
/// that is wrong with the file.
[[nodiscard]] Result<bgp::SpeakerConfig> load_speaker(const std::string& file);

struct InjectorCounts {
  std::uint64_t announced = 0;  // policies told that are new or have changed
  std::uint64_t withdrawn = 0;
  std::uint64_t failed_writes = 0;
};

class Injector final : private bgp::SpeakerListener {
 public:
  Injector(boost::asio::io_context& io, bgp::SpeakerConfig config, PolicyStore store);
  ~Injector() override;

  /// The sessions. Errors: a configuration that does not fit, an address that cannot be had.
  [[nodiscard]] Result<void> start();
  /// Adds, changes and removes peers. What belongs to the whole speaker needs a restart: an error.
  [[nodiscard]] Result<void> configure(const bgp::SpeakerConfig& config);

  // ---- Changes: all of it or, with an error, nothing
  [[nodiscard]] Result<Difference> announce(const std::vector<InjectedPolicy>& policies);
  [[nodiscard]] Result<Difference> withdraw(const std::vector<PolicyKey>& keys);
  [[nodiscard]] Result<Difference> replace(const std::vector<InjectedPolicy>& policies);
  /// What replace() would do.
  [[nodiscard]] Difference preview(const std::vector<InjectedPolicy>& policies) const;

  // ---- What there is
  [[nodiscard]] std::vector<PolicyReport> reports() const;
  [[nodiscard]] const bgp::Speaker& speaker() const { return speaker_; }
  [[nodiscard]] const InjectorCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t size() const { return store_.policies().size(); }
  [[nodiscard]] std::shared_ptr<agent::HttpStream> watch() { return watchers_.add(reports()); }

 private:
  void on_routes(bgp::Family family, std::span<const bgp::RouteChange> changes) override;
  void on_peer(const bgp::PeerInfo& peer) override;

  [[nodiscard]] Result<Difference> apply(Difference change);
  /// What headends say, under the `names` that their BGP identifiers have.
  [[nodiscard]] std::vector<HeadendReport> headends_of(
      const PolicyKey& key, const std::map<std::string, std::string>& names) const;
  void announce_all();
  void withdraw_later(std::vector<PolicyKey> keys);
  /// Tells the watchers, once for all that happens in one turn of the loop.
  void publish();

  boost::asio::io_context& io_;
  PolicyStore store_;
  HeadendStates headends_;
  bgp::Speaker speaker_;
  Announcer announcer_;
  Watchers watchers_;
  InjectorCounts counts_;
  std::shared_ptr<bool> publishing_ = std::make_shared<bool>(false);
};

}  // namespace sextant::injector
