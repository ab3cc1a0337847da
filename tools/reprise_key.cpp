// reprise-key: the key of a call, as the command `reprise key` of the npm package prints it (js/cli/key.ts), byte for
// byte. nlohmann-json reads the JSON, and refuses two things that JavaScript takes: numbers beyond
// a double's range (1e400) and escapes of lone surrogates ("\ud800").
//
// `--lines` is for tests: each line of stdin is the JSON of one call's argument, and its canonical bytes in
// hexadecimal are one line of stdout.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostic.h"
#include "key.h"

namespace {

using nlohmann::json;
using reprise::Key;
using reprise::KeyParts;
using reprise::KeyStatus;

constexpr std::string_view kHelp = R"(reprise-key '<json>' --name ask

Prints the key under which a cache keeps the result of a call: its canonical
bytes in CBOR's diagnostic notation (RFC 8949, section 8) and in hexadecimal,
and their SHA-256, which is the entry's name in storage. docs/keys.md explains.

  <json>          the argument of the call; - reads it from stdin
  --args          <json> is the array of all arguments
  --name <name>   the function's name. Without it <json> is a key as cache.get()
                  takes it: a text, or an array such as ["user", 7]
  --version <v>   the function's version: a whole number, or text. Text that
                  looks like a number goes in JSON's quotes: --version '"2"'
  --scope <s>     the cache's scope
)";

constexpr std::string_view kQuoting =
    R"(In a shell, put the JSON in single quotes: reprise-key '{"prompt": "hi"}' --name ask. Or give - and pipe it in.)";

constexpr double kMaxSafeInteger = 9007199254740991;

// The command line is wrong; says what would be right.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct CommandLine {
  std::map<std::string, std::string> flags{};  // a switch's text is empty
  std::vector<std::string> rest{};

  [[nodiscard]] bool has(const std::string& flag) const { return flags.contains(flag); }

  [[nodiscard]] std::optional<std::string_view> text(const std::string& flag) const {
    const auto found = flags.find(flag);
    if (found == flags.end()) return std::nullopt;
    return found->second;
  }
};

bool takes_value(const std::string& flag) {
  if (flag == "--name" || flag == "--scope" || flag == "--version") return true;
  if (flag == "--args" || flag == "--lines" || flag == "--help") return false;
  throw UsageError("there is no flag " + flag + ". Flags: --name, --scope, --version, --args.");
}

// One dash begins no flag: -5 is JSON, and - is stdin.
CommandLine parse(const std::vector<std::string>& args) {
  CommandLine line;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--") {
      line.rest.insert(line.rest.end(), args.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                       args.end());
      break;
    }
    if (args[i] == "-h") return {{{"--help", ""}}, {}};
    if (args[i].rfind("--", 0) != 0) {
      line.rest.push_back(args[i]);
      continue;
    }
    const std::size_t equals = args[i].find('=');
    const std::string flag = args[i].substr(0, equals);
    const bool valued = takes_value(flag);
    if (line.has(flag)) throw UsageError(flag + " is given twice.");
    std::string value;
    if (valued) {
      if (equals != std::string::npos) {
        value = args[i].substr(equals + 1);
      } else if (i + 1 < args.size()) {
        value = args[++i];
      }
      if (value.empty()) throw UsageError(flag + " needs a value that is not empty.");
    } else if (equals != std::string::npos) {
      throw UsageError(flag + " takes no value.");
    }
    line.flags[flag] = value;
  }
  return line;
}

json parse_json(const std::string& text, std::string_view hint) {
  try {
    return json::parse(text);
  } catch (const json::exception& error) {
    std::string message = "this is not JSON that can be read: ";
    message += error.what();
    if (!hint.empty()) message += '\n';
    throw UsageError(message.append(hint));
  }
}

json input_json(const std::vector<std::string>& rest) {
  if (rest.empty()) throw UsageError(std::string("the JSON is missing. ").append(kQuoting));
  if (rest.size() > 1) {
    throw UsageError("there is one JSON to give, but " + std::to_string(rest.size()) +
                     " were given. " + std::string(kQuoting));
  }
  if (rest[0] != "-") return parse_json(rest[0], kQuoting);
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  return parse_json(input, "");
}

json arguments_of(json value, bool named, bool all) {
  if (value.is_array() && (all || !named)) return value;
  if (all)
    throw UsageError(R"(--args takes the array of all arguments, such as ["hi", {"n": 2}].)");
  if (named || value.is_string()) return json::array({std::move(value)});
  throw UsageError(
      R"(without --name this is a key as cache.get() takes it: a text, or an array such as ["user", 7].)");
}

// Digits as JSON writes a whole number, which JavaScript holds exactly.
std::optional<std::int64_t> whole_number(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  if (digits[0] == '0' && text != "0") return std::nullopt;
  if (digits.size() > 16) return std::nullopt;
  const std::int64_t n = std::stoll(std::string(text));
  if (static_cast<double>(std::abs(n)) > kMaxSafeInteger) return std::nullopt;
  return n;
}

Key key_from(const CommandLine& line) {
  const bool named = line.has("--name");
  for (const char* flag : {"--args", "--version"}) {
    if (!named && line.has(flag)) {
      throw UsageError(std::string(flag) + " belongs to a function. Say which: --name ask.");
    }
  }
  KeyParts parts{line.text("--scope"), line.text("--name"), {}};
  std::string quoted_version;
  if (const auto version = line.text("--version")) {
    if (const auto number = whole_number(*version)) {
      parts.version = *number;
    } else if (version->starts_with('"')) {
      quoted_version = parse_json(std::string(*version), "").get<std::string>();
      parts.version = std::string_view(quoted_version);
    } else {
      parts.version = *version;
    }
  }
  Key key = reprise::key_of(parts, arguments_of(input_json(line.rest), named, line.has("--args")));
  if (key.status == KeyStatus::too_deep) {
    throw UsageError("the arguments are nested deeper than 512 levels.");
  }
  return key;
}

void print_lines() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const json args = json::array({parse_json(line, "")});
    std::cout << reprise::hex(reprise::canonical_bytes({}, args).bytes) << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const CommandLine line = parse({argv + 1, argv + argc});
    if (line.has("--help")) {
      std::cout << kHelp;
    } else if (line.has("--lines")) {
      print_lines();
    } else {
      const Key key = key_from(line);
      std::cout << "diagnostic  " << reprise::diagnostic(key.canonical) << '\n'
                << "bytes       " << reprise::hex(key.canonical) << '\n'
                << "sha256      " << key.sha256 << '\n';
    }
    return 0;
  } catch (const UsageError& error) {
    std::cerr << "reprise-key: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "reprise-key: " << error.what() << '\n';
    return 1;
  }
}
