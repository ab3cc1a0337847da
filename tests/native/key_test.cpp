#include "key.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "diagnostic.h"

using nlohmann::json;
using reprise::Key;
using reprise::key_of;
using reprise::KeyParts;
using reprise::KeyStatus;

TEST_CASE("key_of gives the golden bytes and their SHA-256") {
  std::ifstream file(REPRISE_SOURCE_DIR "/tests/golden/keys.json");
  const json golden = json::parse(file);
  int compared = 0;
  for (const json& entry : golden["keys"]) {
    // The plain ones, which need no more than a name.
    if (!entry.contains("name") || entry.contains("scope") || entry.contains("version")) continue;
    if (entry["args"].dump().find("\"$\"") != std::string::npos) continue;
    INFO(entry["what"].get<std::string>());
    const Key key =
        key_of({std::nullopt, entry["name"].get_ref<const std::string&>(), {}}, entry["args"]);
    REQUIRE(key.status == KeyStatus::ok);
    CHECK(reprise::hex(key.canonical) == entry["canonical"].get<std::string>());
    CHECK(key.sha256 == entry["sha256"].get<std::string>());
    ++compared;
  }
  CHECK(compared >= 10);
}

TEST_CASE("what is no key has neither bytes nor a digest") {
  const Key key = key_of({}, json::object());
  CHECK(key.status == KeyStatus::not_an_array);
  CHECK(key.canonical.empty());
  CHECK(key.sha256.empty());
}

TEST_CASE("each part of a key changes its digest") {
  const json args = json::parse(R"(["a"])");
  const std::vector<KeyParts> parts = {
      {},          {"s", {}, {}},  {{}, "s", {}},         {{}, {}, "s"},
      {{}, {}, 1}, {"s", "n", {}}, {"s", "n", "version"}, {"s", "n", 2}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      CHECK(key_of(parts[i], args).sha256 != key_of(parts[j], args).sha256);
  }
}
