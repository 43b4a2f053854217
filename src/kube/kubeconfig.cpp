// kubeconfig files, by the rules of client-go: in a list of files the first that names a cluster, a
// user, a context or the current context counts; data goes before files; relative file names are
// relative to the kubeconfig that holds them.
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <vector>

#include "base/base64.h"
#include "kube/config.h"
#include "kube/credentials.h"
#include "kube/endpoint.h"

namespace sextant::kube {
namespace {

namespace fs = std::filesystem;

/// The body of a named entry and the file that it stands in.
struct Entry {
  YAML::Node body;
  fs::path file;
};

struct Files {
  std::map<std::string, Entry> clusters, users, contexts;
  std::string current_context;
  std::string paths;  // for messages
};

tl::unexpected<Error> bad(const fs::path& file, std::string cause, std::string hint = {}) {
  return failure("read the kubeconfig", file.string(), std::move(cause), std::move(hint));
}

/// The text at `name`; empty where there is none.
Result<std::string> text_at(const Entry& entry, const char* name) {
  const auto node = entry.body[name];
  if (!node || node.IsNull()) return std::string();
  if (!node.IsScalar()) return bad(entry.file, std::string(name) + " is no text");
  return node.Scalar();
}

Result<void> add_entries(const YAML::Node& root, const fs::path& file, const char* list,
                         const char* kind, std::map<std::string, Entry>& into) {
  const auto entries = root[list];
  if (!entries || entries.IsNull()) return {};
  if (!entries.IsSequence()) return bad(file, std::string(list) + " is no list");
  for (const auto& entry : entries) {
    if (!entry.IsMap() || !entry["name"] || !entry["name"].IsScalar())
      return bad(file, std::string("an entry of ") + list + " has no name");
    const auto body = entry[kind];
    if (body && !body.IsNull() && !body.IsMap())
      return bad(file, std::string(kind) + " of " + entry["name"].Scalar() + " is no map");
    into.try_emplace(entry["name"].Scalar(),
                     Entry{body && body.IsMap() ? body : YAML::Node(YAML::NodeType::Map), file});
  }
  return {};
}

Result<void> add_file(const fs::path& file, Files& files) {
  FollowedFile content(file.string());
  if (const auto read = content.refresh(); !read) {
    auto error = read.error();
    error.operation = "read the kubeconfig";
    return tl::unexpected(std::move(error));
  }
  const auto root = YAML::Load(content.text());
  if (root.IsNull()) return {};
  if (!root.IsMap()) return bad(file, "it is no YAML map");
  for (const auto& added : {add_entries(root, file, "clusters", "cluster", files.clusters),
                            add_entries(root, file, "users", "user", files.users),
                            add_entries(root, file, "contexts", "context", files.contexts)})
    if (!added) return added;
  const auto current = root["current-context"];
  if (files.current_context.empty() && current && current.IsScalar())
    files.current_context = current.Scalar();
  return {};
}

/// NAME-data (base64) or NAME (a file).
Result<Pem> pem_at(const Entry& entry, const std::string& name) {
  auto data = text_at(entry, (name + "-data").c_str());
  if (!data) return tl::unexpected(data.error());
  if (!data->empty()) {
    auto text = from_base64(*data);
    if (!text) return bad(entry.file, name + "-data is no base64");
    return Pem{.text = std::move(*text)};
  }
  auto path = text_at(entry, name.c_str());
  if (!path) return tl::unexpected(path.error());
  if (path->empty()) return Pem{};
  return Pem{.file = (fs::absolute(entry.file).parent_path() / *path).string()};
}

Result<void> take_cluster(const Entry& cluster, const std::string& name, Config& config) {
  auto server = text_at(cluster, "server");
  auto server_name = text_at(cluster, "tls-server-name");
  auto proxy = text_at(cluster, "proxy-url");
  for (const auto* text : {&server, &server_name, &proxy})
    if (!*text) return tl::unexpected(text->error());
  if (server->empty()) return bad(cluster.file, "cluster " + name + " has no server");
  if (!proxy->empty())
    return bad(cluster.file, "proxy-url is not supported",
               "name the API server itself, or a load balancer that passes TLS through");
  if (const auto endpoint = parse_server(*server); !endpoint)
    return tl::unexpected(endpoint.error());
  auto ca = pem_at(cluster, "certificate-authority");
  if (!ca) return tl::unexpected(ca.error());

  const auto insecure = cluster.body["insecure-skip-tls-verify"];
  if (insecure && !insecure.IsNull() &&
      !YAML::convert<bool>::decode(insecure, config.insecure_skip_tls_verify))
    return bad(cluster.file, "insecure-skip-tls-verify is neither true nor false");
  if (config.insecure_skip_tls_verify && !ca->empty())
    return bad(cluster.file,
               "cluster " + name + " has both a certificate-authority and insecure-skip-tls-verify",
               "keep the certificate-authority");
  config.server = std::move(*server);
  config.server_name = std::move(*server_name);
  config.ca = std::move(*ca);
  return {};
}

Result<void> take_user(const Entry& user, Config& config) {
  for (const auto& [field, what] : {std::pair{"exec", "credential plugins (exec) are"},
                                    std::pair{"auth-provider", "auth-provider plugins are"}})
    if (user.body[field] && !user.body[field].IsNull())
      return bad(user.file, std::string(what) + " not supported",
                 "use a ServiceAccount's token (token or tokenFile) or a client certificate");
  if ((user.body["username"] && !user.body["username"].IsNull()) ||
      (user.body["password"] && !user.body["password"].IsNull()))
    return bad(user.file, "passwords are not supported; Kubernetes dropped them in 1.19",
               "use a token or a client certificate");
  if (user.body["as"] && !user.body["as"].IsNull())
    return bad(user.file, "impersonation (as) is not supported",
               "use the credentials of that user themselves");

  auto cert = pem_at(user, "client-certificate");
  auto key = pem_at(user, "client-key");
  for (const auto* pem : {&cert, &key})
    if (!*pem) return tl::unexpected(pem->error());
  auto token = text_at(user, "token");
  auto token_file = text_at(user, "tokenFile");
  for (const auto* text : {&token, &token_file})
    if (!*text) return tl::unexpected(text->error());
  config.client_cert = std::move(*cert);
  config.client_key = std::move(*key);
  config.token = std::move(*token);
  if (!token_file->empty())
    config.token_file = (fs::absolute(user.file).parent_path() / *token_file).string();
  return {};
}

/// The entry that `context` names under `field`.
Result<const Entry*> named(const Files& files, const Entry& context, const std::string& name,
                           const char* field, const std::map<std::string, Entry>& among) {
  auto wanted = text_at(context, field);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto found = among.find(*wanted);
  if (found == among.end())
    return bad(context.file, "context " + name + " names the " + field + " '" + *wanted +
                                 "', which is not in " + files.paths);
  return &found->second;
}

Result<Config> take_context(const Files& files, const std::string& wanted) {
  const auto& name = wanted.empty() ? files.current_context : wanted;
  if (name.empty()) return bad(files.paths, "there is no current-context", "name a context");
  const auto context = files.contexts.find(name);
  if (context == files.contexts.end()) {
    std::string known;
    for (const auto& [other, entry] : files.contexts) known += (known.empty() ? "" : ", ") + other;
    return bad(files.paths, "there is no context '" + name + "'",
               known.empty() ? "there are none at all" : "there are: " + known);
  }
  const auto cluster = named(files, context->second, name, "cluster", files.clusters);
  if (!cluster) return tl::unexpected(cluster.error());
  const auto user = named(files, context->second, name, "user", files.users);
  if (!user) return tl::unexpected(user.error());

  Config config;
  auto ns = text_at(context->second, "namespace");
  if (!ns) return tl::unexpected(ns.error());
  config.ns = ns->empty() ? "default" : std::move(*ns);
  const auto cluster_name = text_at(context->second, "cluster");
  if (auto taken = take_cluster(**cluster, *cluster_name, config); !taken)
    return tl::unexpected(taken.error());
  if (auto taken = take_user(**user, config); !taken) return tl::unexpected(taken.error());
  if (auto checked = check_credentials(config); !checked)
    return bad(files.paths, checked.error().message());
  return config;
}

Result<std::string> default_paths() {
  if (const auto* listed = std::getenv("KUBECONFIG"); listed != nullptr && *listed != '\0')
    return std::string(listed);
  if (const auto* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::string(home) + "/.kube/config";
  return failure("find", "a kubeconfig", "neither KUBECONFIG nor HOME is set",
                 "name the kubeconfig");
}

std::vector<fs::path> split(const std::string& paths) {
  std::vector<fs::path> files;
  for (std::size_t begin = 0; begin <= paths.size();) {
    const auto end = std::min(paths.find(':', begin), paths.size());
    if (end > begin) files.emplace_back(paths.substr(begin, end - begin));
    begin = end + 1;
  }
  return files;
}

}  // namespace

Result<Config> load_kubeconfig(const std::string& path, const std::string& context) {
  Files files{.paths = path};
  if (path.empty()) {
    auto paths = default_paths();
    if (!paths) return tl::unexpected(paths.error());
    files.paths = std::move(*paths);
  }
  const auto listed = split(files.paths);
  bool any = false;
  for (const auto& file : listed) {
    std::error_code ignored;
    // Of a list, files that do not exist are passed over, as kubectl does.
    if (listed.size() > 1 && !fs::exists(file, ignored)) continue;
    any = true;
    try {
      if (auto added = add_file(file, files); !added) return tl::unexpected(added.error());
    } catch (const YAML::Exception& error) {
      return bad(file, std::string("it is no YAML: ") + error.what());
    }
  }
  if (!any) return bad(files.paths, "none of these files exists");
  try {
    return take_context(files, context);
  } catch (const YAML::Exception& error) {
    return bad(files.paths, error.what());
  }
}

}  // namespace sextant::kube
