// What the subcommands of `sextant pi` do. Each prints, and ends the program where it cannot be
// done.
#pragma once

#include <string>
#include <vector>

#include "injector/backend.h"

namespace sextant::cli {

void pi_create(injector::Backend& backend, const std::vector<std::string>& files);
void pi_list(injector::Backend& backend, const std::string& output);
void pi_show(injector::Backend& backend, const std::string& name, const std::string& output);
void pi_edit(injector::Backend& backend, const std::string& name);
/// The policies of the files take the place of those announced under the same keys.
void pi_edit_from(injector::Backend& backend, const std::vector<std::string>& files);

struct PiDeletion {
  std::vector<std::string> names = {};
  std::vector<std::string> files = {};
  bool all = false;
};
void pi_delete(injector::Backend& backend, const PiDeletion& deletion);
void pi_replace(injector::Backend& backend, const std::vector<std::string>& files, bool dry_run);
void pi_watch(injector::Backend& backend, const std::string& output);

}  // namespace sextant::cli
