#include "cli/completion.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <set>

#include "cli/walk.h"

namespace sextant::cli {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// "NODE" of "NODE:..." or of the positional NODE, NODE..., NODE-B.
std::string kind_of(const CLI::Option& option) {
  return option.get_positional() ? option.get_name(true) : option.get_type_name();
}

void offer_values(Completion& done, const Position& at, const CLI::Option& option,
                  const Names& names) {
  for (const auto& value : admitted_values(option.get_type_name()))
    done.candidates.push_back({.value = value});
  if (!done.candidates.empty()) return;
  const auto kind = kind_of(option);
  if (kind.find("FILE") != std::string::npos || kind.find("PATH") != std::string::npos) {
    done.files = Files::kFiles;
    return;
  }
  if (kind.find("DIR") != std::string::npos) {
    done.files = Files::kDirectories;
    return;
  }
  const auto typed = [&at](const char* name) {
    for (const auto& [known, value] : at.values)
      if (known->check_name(name)) return value;
    return std::string();
  };
  done.candidates = names(kind, at.path, typed);
}

void offer_options(Completion& done, const Position& at) {
  for (const auto* option : at.command->get_options()) {
    if (option->get_positional() || option->get_group().empty()) continue;
    if (at.values.contains(option) && option->get_items_expected_max() == 1) continue;
    const auto description = first_line(option->get_description());
    for (const auto& name : option->get_lnames())
      done.candidates.push_back({"--" + name, description});
    if (option->get_lnames().empty()) {
      for (const auto& name : option->get_snames())
        done.candidates.push_back({"-" + name, description});
    }
  }
}

void offer_positional(Completion& done, const Position& at, const Names& names) {
  std::size_t index = 0;
  for (const auto* option : at.command->get_options()) {
    if (!option->get_positional()) continue;
    const bool last_takes_all = option->get_items_expected_max() > 1;
    if (index++ == at.positionals || last_takes_all) {
      offer_values(done, at, *option, names);
      return;
    }
  }
}

}  // namespace

std::vector<std::string> admitted_values(const std::string& type_name) {
  const auto open = type_name.rfind('{');
  const auto close = type_name.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return {};
  std::vector<std::string> values;
  std::size_t begin = open + 1;
  while (begin <= close) {
    const auto end = std::min(type_name.find(',', begin), close);
    if (end > begin) values.push_back(type_name.substr(begin, end - begin));
    begin = end + 1;
  }
  return values;
}

Completion complete(const CLI::App& program, std::vector<std::string> words, const Names& names) {
  Completion done;
  if (words.empty()) words.emplace_back();
  auto typing = std::move(words.back());
  words.pop_back();
  const auto at = walk(program, words);
  if (at.unknown) return done;

  std::string before;  // stays in front of each candidate: "--output="
  if (at.value_of != nullptr) {
    offer_values(done, at, *at.value_of, names);
  } else if (const auto equals = typing.find('=');
             !at.after_dashes && typing.starts_with("--") && equals != std::string::npos) {
    before = typing.substr(0, equals + 1);
    if (const auto* option = at.command->get_option_no_throw(typing.substr(0, equals)))
      offer_values(done, at, *option, names);
  } else if (!at.after_dashes && typing.starts_with("-")) {
    offer_options(done, at);
  } else {
    if (!at.after_dashes && at.positionals == 0) {
      for (const auto* command : visible_commands(*at.command))
        done.candidates.push_back({command->get_name(), first_line(command->get_description())});
    }
    if (done.candidates.empty()) offer_positional(done, at, names);
  }

  for (auto& candidate : done.candidates) candidate.value.insert(0, before);
  std::erase_if(done.candidates, [&typing](const Candidate& candidate) {
    return !candidate.value.starts_with(typing);
  });
  return done;
}

}  // namespace sextant::cli
