#include "canonical.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

using nlohmann::json;
using reprise::Canonical;
using reprise::canonical_bytes;
using reprise::KeyParts;
using reprise::KeyStatus;

namespace {

std::string hex(const std::vector<std::uint8_t>& bytes) {
  static const char* digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

// {"$": …} stands for a type that JSON does not have.
bool only_json(const json& value) {
  if (value.is_object() && value.contains("$")) return false;
  if (!value.is_structured()) return true;
  for (const json& item : value) {
    if (!only_json(item)) return false;
  }
  return true;
}

std::optional<std::string_view> text_of(const json& key, const char* field) {
  if (!key.contains(field) || !key[field].is_string()) return std::nullopt;
  return std::string_view(key[field].get_ref<const std::string&>());
}

// The bytes of one argument, without what stands before it.
std::string item(const json& value) {
  const Canonical canonical = canonical_bytes({}, json::array({value}));
  REQUIRE(canonical.status == KeyStatus::ok);
  return hex(canonical.bytes).substr(12);
}

json nested(int levels) {
  json value = 1;
  for (int i = 0; i < levels; ++i) value = json::array({std::move(value)});
  return value;
}

}  // namespace

TEST_CASE("native C++ writes the golden bytes of every key that JSON can hold") {
  std::ifstream file(REPRISE_SOURCE_DIR "/tests/golden/keys.json");
  const json golden = json::parse(file);
  int compared = 0;
  for (const json& key : golden["keys"]) {
    if (!only_json(key["args"])) continue;
    INFO(key["what"].get<std::string>());
    KeyParts parts{text_of(key, "scope"), text_of(key, "name"), {}};
    if (const auto version = text_of(key, "version")) parts.version = *version;
    if (key.contains("version") && key["version"].is_number()) {
      parts.version = key["version"].get<std::int64_t>();
    }
    const Canonical canonical = canonical_bytes(parts, key["args"]);
    REQUIRE(canonical.status == KeyStatus::ok);
    CHECK(hex(canonical.bytes) == key["canonical"].get<std::string>());
    ++compared;
  }
  CHECK(compared >= 15);
}

TEST_CASE("numbers are JavaScript's: what a double cannot tell apart is one key") {
  CHECK(item(json::parse("1.0")) == item(json::parse("1")));
  CHECK(item(json::parse("-0.0")) == item(json::parse("0")));
  CHECK(item(json::parse("9007199254740993")) == item(json::parse("9007199254740992")));
  CHECK(item(json::parse("18446744073709551615")) == item(json::parse("18446744073709551616")));
  CHECK(item(json::parse("9007199254740991")) == "1b001fffffffffffff");
}

TEST_CASE("the order of names does not matter, and no two of these values share bytes") {
  CHECK(item(json::parse(R"({"b":1,"a":2})")) == item(json::parse(R"({"a":2,"b":1})")));
  const std::vector<json> values = {nullptr,
                                    true,
                                    false,
                                    0,
                                    1,
                                    "1",
                                    "",
                                    "null",
                                    json::array(),
                                    json::object(),
                                    json::array({nullptr}),
                                    json::array({json::array()}),
                                    {{"a", 1}},
                                    {{"a", nullptr}},
                                    0.5,
                                    -1};
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(item(values[i]) != item(values[j]));
  }
}

TEST_CASE("what is no key is refused with its reason and no bytes") {
  const auto refused = [](const json& args, KeyStatus why) {
    const Canonical canonical = canonical_bytes({}, args);
    CHECK(canonical.status == why);
    CHECK(canonical.bytes.empty());
  };
  refused(json::object(), KeyStatus::not_an_array);
  refused("text", KeyStatus::not_an_array);
  refused(json::array({nested(513)}), KeyStatus::too_deep);
  CHECK(canonical_bytes({}, json::array({nested(512)})).status == KeyStatus::ok);
  refused(json::array({json::binary({1, 2})}), KeyStatus::not_json);
}
