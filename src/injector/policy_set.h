// Policies as people write them -> injected policies. Pure: it is given the files' texts.
//
// A file holds any number of documents (YAML or JSON) of these kinds:
//   SRv6-PI's files   srv6_pi_reader.h
//   InjectedPolicy    policy_document.h; also a List of them
//   SRv6Policy        docs/reference-manifests.md: an injected policy for each candidate path
//   Node, SRv6Node, SRv6Locator    what names in an SRv6Policy stand for
// Names are resolved over all files that are read together. BGP knows addresses only: a name that
// none of these objects explains is an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "injector/injected_policy.h"
#include "sources/finding.h"

namespace sextant::injector {

struct PlacedPolicy {
  InjectedPolicy policy;
  std::string location = {};  // "policies.yaml:12"
  bool withdraw = false;      // SRv6-PI's `iswithdraw: true`: the key is to go
};

struct PolicySet {
  std::vector<PlacedPolicy> policies = {};
  std::vector<sources::Finding> findings = {};  // errors and warnings

  [[nodiscard]] bool failed() const;
  /// Those that are to be announced.
  [[nodiscard]] std::vector<InjectedPolicy> wanted() const;
  [[nodiscard]] std::vector<PolicyKey> unwanted() const;
};

struct NamedText {
  std::string name;  // in messages: the file's
  std::string text;
};

/// All of them, with every mistake. Two policies with one key are one.
[[nodiscard]] PolicySet read_policies(const std::vector<NamedText>& texts);

}  // namespace sextant::injector
