// What is delivered beside the code agrees with it: examples and the reference's manifests read
// without a finding, and the CustomResourceDefinitions have the fields that the readers know, no
// more and no fewer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "sources/manifest_set.h"
#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::IsEmpty;

const std::filesystem::path kRoot = SEXTANT_SOURCE_DIR;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The YAML blocks of the reference.
std::vector<std::string> reference_manifests() {
  std::vector<std::string> blocks;
  std::istringstream lines(contents(kRoot / "docs/reference-manifests.md"));
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "```yaml") {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

TEST(Deploy, examples_read_together_without_a_finding) {
  ManifestSet set;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "examples")) {
    set.set_file(entry.path().filename(), contents(entry.path()));
  }
  EXPECT_GE(set.files().size(), 7U);
  EXPECT_FALSE(set.take_change().empty());
  for (const auto& finding : set.findings()) ADD_FAILURE() << finding.text();
}

TEST(Deploy, manifests_of_the_reference_read_without_a_finding) {
  const auto blocks = reference_manifests();
  EXPECT_GE(blocks.size(), 5U);
  for (const auto& block : blocks) {
    const auto reading = read(block);
    EXPECT_THAT(messages(reading), IsEmpty()) << block;
    EXPECT_EQ(reading.objects.size(), 1U) << block;
  }
}

using Paths = std::set<std::string>;

/// "spec.endpoint.nodeName" for each field that the schema names.
void schema_fields(const Value& schema, const std::string& at, Paths& paths) {
  if (const auto* items = schema.find("items")) return schema_fields(*items, at + "[]", paths);
  const auto* properties = schema.find("properties");
  if (properties == nullptr) return;
  for (std::size_t i = 0; i < properties->keys.size(); ++i) {
    const auto path = at + (at.empty() ? "" : ".") + properties->keys[i];
    paths.insert(path);
    schema_fields(properties->items[i], path, paths);
  }
}

/// The fields that the readers call known, asked by giving each map of the object a field that none
/// has.
Paths reader_fields(const std::string& object) {
  auto document = parse_yaml(object).value().at(0);
  const auto spoil = [](auto& self, Value& value) -> void {
    for (auto& item : value.items) self(self, item);
    if (value.kind != Value::Kind::kMap) return;
    value.keys.emplace_back("unheard-of");
    value.items.emplace_back();
    value.items.back().line = 1;
  };
  for (std::size_t i = 0; i < document.keys.size(); ++i) {
    if (document.keys[i] == "spec") spoil(spoil, document.items[i]);
  }
  Reading reading;
  read_document(document, "a.yaml", reading);
  Paths paths;
  for (const auto& finding : reading.objects.at(0).findings) {
    const auto& reason = finding.problem.reason;
    const auto field = reason.find("unheard-of");
    const auto known = reason.find("known here: ");
    if (field == std::string::npos || known == std::string::npos) continue;
    std::string parent = reason.substr(0, field);
    for (auto open = parent.find('['); open != std::string::npos;
         open = parent.find('[', open + 2)) {
      parent.erase(open + 1, parent.find(']', open) - open - 1);
    }
    std::istringstream names(reason.substr(known + 12));
    for (std::string name; std::getline(names, name, ',');) {
      paths.insert(parent + (name.starts_with(' ') ? name.substr(1) : name));
    }
  }
  return paths;
}

TEST(Deploy, custom_resource_definitions_have_the_fields_that_the_readers_know) {
  const struct {
    const char *kind, *plural;
  } rows[] = {{"SRv6Node", "srv6nodes"}, {"SRv6Policy", "srv6policies"}};
  for (const auto& row : rows) {
    const auto crd = parse_yaml(
        contents(kRoot / "deploy/crds" / (row.plural + std::string(".sextant.dev.yaml"))));
    ASSERT_TRUE(crd) << crd.error().reason << " line " << crd.error().line;
    const auto& version = crd->at(0).find("spec")->find("versions")->items.at(0);
    const auto& schema = *version.find("schema")->find("openAPIV3Schema");
    EXPECT_NE(version.find("subresources")->find("status"), nullptr);
    EXPECT_NE(schema.find("properties")->find("status"), nullptr);
    Paths of_schema;
    schema_fields(*schema.find("properties")->find("spec"), "spec", of_schema);

    Paths of_readers;
    for (const auto& block : reference_manifests()) {
      if (block.find("kind: " + std::string(row.kind) + "\n") == std::string::npos) continue;
      of_readers.merge(reader_fields(block));
    }
    EXPECT_EQ(of_schema, of_readers) << row.kind;
  }
}

}  // namespace
}  // namespace sextant::sources
