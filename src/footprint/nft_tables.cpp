#include "footprint/nft_tables.h"

#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "dataplane/linux/privileges.h"

namespace sextant::footprint {
namespace {

Result<std::string> run(const std::string& command, unsigned flags) {
  // Asked first: libnftables itself complains on standard error.
  if (const auto allowed = dataplane::check_privileges();
      !allowed && allowed.error().cause.starts_with("no CAP_"))
    return failure("read or write", "nftables", allowed.error().cause, "run it as root");
  const std::unique_ptr<nft_ctx, void (*)(nft_ctx*)> context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                             nft_ctx_free);
  if (!context) return failure("open nftables", "", "libnftables gave no context");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  nft_ctx_output_set_flags(context.get(), flags);
  if (nft_run_cmd_from_buffer(context.get(), command.c_str()) != 0) {
    std::string cause = nft_ctx_get_error_buffer(context.get());
    std::replace(cause.begin(), cause.end(), '\n', ' ');
    return failure("nft", command, cause, "run it as root, on a kernel with nf_tables");
  }
  return std::string(nft_ctx_get_output_buffer(context.get()));
}

}  // namespace

Result<std::vector<std::string>> own_nft_tables() {
  const auto listed = run("list tables", 0);
  if (!listed) return tl::unexpected(listed.error());
  std::vector<std::string> tables;
  std::istringstream lines(*listed);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, family, name;
    words >> word >> family >> name;
    if (word == "table" && name == "sextant") tables.push_back(family + " " + name);
  }
  return tables;
}

Result<void> delete_nft_table(const std::string& table) {
  const auto done = run("delete table " + table, 0);
  if (!done) return tl::unexpected(done.error());
  return {};
}

Result<std::string> run_nft(const std::string& commands) { return run(commands, 0); }

Result<std::string> nft_ruleset_json() {
  return run("list ruleset", NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_STATELESS);
}

}  // namespace sextant::footprint
