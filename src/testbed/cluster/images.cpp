#include "testbed/cluster/images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>
#include <chrono>

#include "base/version.h"
#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

Result<std::string> output_of(std::vector<std::string> arguments) {
  constexpr std::chrono::seconds kLimit{60};
  const auto done = testbed::run({.arguments = arguments}, kLimit);
  if (!done) return tl::unexpected(done.error());
  if (done->status == 0) return done->out;
  return failure("run", fmt::format("{}", fmt::join(arguments, " ")), done->err);
}

std::string architecture() {
#if defined(__aarch64__)
  return "arm64";
#else
  return "amd64";
#endif
}

Result<void> lay_out(const Image& image, const fs::path& root) {
  if (!image.layout.empty()) {
    std::vector<std::string> program = image.layout;
    program.push_back(root);
    if (const auto done = output_of(program); !done) return tl::unexpected(done.error());
  }
  std::error_code error;
  for (const auto& [place, source] : image.files) {
    const fs::path target = root / fs::path{place}.relative_path();
    fs::create_directories(target.parent_path(), error);
    // The file behind a link: an image has no use for the link's name elsewhere.
    fs::copy_file(source, target, fs::copy_options::overwrite_existing, error);
    if (error) return system_error("copy into an image", source.string(), error.value());
  }
  for (const auto& [place, target] : image.links) {
    const fs::path link = root / fs::path{place}.relative_path();
    fs::create_directories(link.parent_path(), error);
    fs::create_symlink(target, link, error);
    if (error) return system_error("link in an image", place, error.value());
  }
  for (const char* each : {"tmp", "run", "proc", "sys", "dev", "etc"}) {
    fs::create_directories(root / each, error);
  }
  return {};
}

}  // namespace

Image pod_image() {
  Image image{.names = {kPodImage},
              .command = {"/bin/sleep", "2147483647"},
              .layout = {},
              .files = {{"/bin/busybox", "/bin/busybox"}},
              .links = {}};
  for (const char* tool : {"cat",   "date", "echo", "head",       "hostname", "httpd", "id",
                           "ip",    "ls",   "nc",   "ping",       "ping6",    "ps",    "sh",
                           "sleep", "tail", "test", "traceroute", "true",     "wc",    "wget"}) {
    image.links[fmt::format("/bin/{}", tool)] = "busybox";
  }
  return image;
}

Image sextant_image(const fs::path& folder, const fs::path& deploy) {
  return {
      .names = {fmt::format("docker.io/library/sextant:{}", version()), "localhost/sextant:dev"},
      .command = {"/usr/bin/sextantd", "--in-cluster"},
      .layout = {deploy / "image" / "root-fs.sh", folder}};
}

Result<void> write_archive(const Image& image, const fs::path& archive) {
  const fs::path scratch = archive.string() + ".tmp";
  std::error_code error;
  fs::remove_all(scratch, error);
  fs::create_directories(scratch / "root", error);
  if (error) return system_error("make", scratch.string(), error.value());
  if (auto laid = lay_out(image, scratch / "root"); !laid) return laid;
  const std::string layer = scratch / "layer.tar";
  const auto packed = output_of({"tar", "--sort=name", "--owner=0", "--group=0", "--mtime=@0", "-C",
                                 scratch / "root", "-cf", layer, "."});
  if (!packed) return tl::unexpected(packed.error());
  const auto digest = output_of({"sha256sum", layer});
  if (!digest) return tl::unexpected(digest.error());
  json::array names;
  for (const std::string& each : image.names) names.emplace_back(each);
  json::array command;
  for (const std::string& each : image.command) command.emplace_back(each);
  const json::object config{
      {"architecture", architecture()},
      {"os", "linux"},
      {"config",
       json::object{{"Cmd", command}, {"Env", json::array{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}}}},
      {"rootfs", json::object{{"type", "layers"},
                              {"diff_ids", json::array{"sha256:" + digest->substr(0, 64)}}}}};
  const json::array manifest{json::object{
      {"Config", "config.json"}, {"RepoTags", names}, {"Layers", json::array{"layer.tar"}}}};
  for (const auto& [name, content] : {std::pair{"config.json", json::serialize(config)},
                                      {"manifest.json", json::serialize(manifest)}}) {
    if (auto written = testbed::write_file(scratch / name, content); !written) return written;
  }
  const auto whole = output_of({"tar", "-C", scratch, "-cf", archive.string() + ".part",
                                "manifest.json", "config.json", "layer.tar"});
  if (!whole) return tl::unexpected(whole.error());
  fs::rename(archive.string() + ".part", archive, error);
  fs::remove_all(scratch, error);
  return {};
}

}  // namespace sextant::cluster
