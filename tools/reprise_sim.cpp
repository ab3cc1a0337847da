// reprise-sim: replays recorded requests against the cache, under any of several eviction policies, and prints what each of
// them saved. What runs is the core itself (look_up, store), not a model of it; only the payloads are missing.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "eviction_asg.h"
#include "policies/eviction_lru.h"
#include "policies/eviction_s3fifo.h"
#include "policies/eviction_wtinylfu.h"
#include "sim/replay.h"
#include "sim/trace.h"

namespace {

using namespace reprise;
using sim::Objective;

constexpr std::string_view kHelp = R"(reprise-sim [options] TRACE...

Replays recorded requests against the cache and prints what it would have saved.

  --policy <names>     of asg,lru,s3fifo,wtinylfu; default: all. asg is the one that
                       the package ships
  --cache <sizes>      of the cache, with commas between them. 1% is a hundredth of the
                       sum of all sizes in the trace; a number without % is bytes.
                       Default: 0.1%,1%,10%
  --objective <names>  what is to be saved; default: cost
                         cost      sizes and costs are the trace's
                         requests  sizes are the trace's, every miss costs 1
                         unit      every size and every cost is 1
  --sizes <file>       lognormal_65536.u32le, for CTR1 traces without sizes. Default:
                       looked for beside the trace and in the folder above it
  --json               {"rows": [...]} on stdout, one row for each line of the table

A trace is one of
  csv     a request in each line: key,size,cost. The key is any text without a comma;
          size (bytes) and cost may be left out and are then 1. A first line that
          begins with "key" is a heading, and lines that begin with # are comments.
  CTR1    binary, packed with gzip; tools/sim/trace.h describes it.
Either may be packed with gzip.

Only sizes count against the budget here, not the cache's own records. What is larger
than the whole cache is never kept. The columns are shares in percent of all requests,
of all their bytes and of all their costs; a miss ratio is 100 less the hit ratio.
B/entry is the policy's own memory for each entry, at most held at once.
)";

// The command line is wrong; says what would be right.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Budget {
  std::string text;
  double fraction = 0;  // of the footprint; 0: bytes
  std::uint64_t bytes = 0;
};

struct CommandLine {
  std::vector<std::string> policies{"asg", "lru", "s3fifo", "wtinylfu"};
  std::vector<Budget> budgets;
  std::vector<std::string> objectives{"cost"};
  std::string sizes;
  bool json = false;
  bool help = false;
  std::vector<std::string> traces;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

std::vector<std::string> names(const std::string& option, const std::string& text,
                               const std::vector<std::string>& known) {
  std::vector<std::string> parts = split(text);
  for (const std::string& part : parts) {
    if (std::find(known.begin(), known.end(), part) != known.end()) continue;
    std::string list;
    for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
    throw UsageError(option + " does not know \"" + part + "\". It knows: " + list + ".");
  }
  return parts;
}

Budget budget(const std::string& text) {
  Budget result{text, 0, 0};
  const bool percent = text.ends_with('%');
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool good = error == std::errc{} && stop == end && std::isfinite(number) && number > 0 &&
                    (percent || (number < 1e18 && number == std::floor(number)));
  if (!good) {
    throw UsageError("--cache cannot be \"" + text +
                     "\". Give shares or bytes: --cache 1%,64000000");
  }
  if (percent) {
    result.fraction = number / 100;
  } else {
    result.bytes = static_cast<std::uint64_t>(number);
  }
  return result;
}

CommandLine parse(int count, char** words) {
  CommandLine line;
  std::string caches = "0.1%,1%,10%";
  for (int i = 1; i < count; ++i) {
    std::string word = words[i];
    if (!word.starts_with("-")) {
      line.traces.push_back(word);
      continue;
    }
    if (word == "--help" || word == "-h") {
      line.help = true;
      continue;
    }
    if (word == "--json") {
      line.json = true;
      continue;
    }
    std::string value;
    const std::size_t equals = word.find('=');
    const bool joined = equals != std::string::npos;
    if (joined) {
      value = word.substr(equals + 1);
      word.resize(equals);
    }
    if (word != "--policy" && word != "--cache" && word != "--objective" && word != "--sizes") {
      throw UsageError("There is no option " + word + ". `reprise-sim --help` lists them.");
    }
    if (!joined) {
      if (i + 1 == count)
        throw UsageError(word + " needs a value. `reprise-sim --help` shows how.");
      value = words[++i];
    }
    if (word == "--policy")
      line.policies = names(word, value, {"asg", "lru", "s3fifo", "wtinylfu"});
    if (word == "--objective") line.objectives = names(word, value, {"cost", "requests", "unit"});
    if (word == "--cache") caches = value;
    if (word == "--sizes") line.sizes = value;
  }
  for (const std::string& text : split(caches)) line.budgets.push_back(budget(text));
  return line;
}

sim::Replayed run(const std::string& policy, const sim::Trace& trace, Objective objective,
                  std::uint64_t capacity_bytes) {
  constexpr std::uint64_t kSeed = 12'345;
  Pages pages(sim::kPagesBytes);
  if (policy == "asg") {
    EvictionAsg asg(pages, kSeed);
    return sim::replay(trace, objective, capacity_bytes, pages, asg);
  }
  if (policy == "s3fifo") {
    EvictionS3Fifo s3fifo(capacity_bytes);
    return sim::replay(trace, objective, capacity_bytes, pages, s3fifo);
  }
  if (policy == "wtinylfu") {
    EvictionWTinyLfu wtinylfu(pages, capacity_bytes);
    return sim::replay(trace, objective, capacity_bytes, pages, wtinylfu);
  }
  EvictionLru lru(pages);
  return sim::replay(trace, objective, capacity_bytes, pages, lru);
}

nlohmann::ordered_json row(const std::string& trace, const std::string& objective,
                           const Budget& budget, const std::string& policy,
                           const sim::Replayed& r) {
  return {{"trace", trace},
          {"objective", objective},
          {"cache", budget.text},
          {"policy", policy},
          {"capacityBytes", r.capacity_bytes},
          {"requests", r.requests},
          {"hits", r.hits},
          {"hitRatio", r.hit_ratio()},
          {"byteHitRatio", r.byte_hit_ratio()},
          {"costSaved", r.cost_hit_ratio()},
          {"requestMissRatio", 1 - r.hit_ratio()},
          {"byteMissRatio", 1 - r.byte_hit_ratio()},
          {"costMissRatio", 1 - r.cost_hit_ratio()},
          {"entries", r.most_entries},
          {"notAdmitted", r.not_admitted},
          {"evicted", r.evicted},
          {"metadataBytesPerEntry", r.metadata_per_entry()},
          {"seconds", r.seconds}};
}

int simulate(const CommandLine& line) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  if (!line.json) {
    std::printf("%-24s %-9s %-9s %-9s %8s %8s %8s %10s %10s %8s\n", "trace", "objective", "cache",
                "policy", "hits %", "bytes %", "cost %", "miss cost%", "entries", "B/entry");
  }
  for (const std::string& path : line.traces) {
    const sim::Trace trace = sim::read_trace(path, line.sizes);
    for (const std::string& objective_name : line.objectives) {
      const Objective objective = objective_name == "cost"       ? Objective::cost
                                  : objective_name == "requests" ? Objective::requests
                                                                 : Objective::unit;
      for (const Budget& budget : line.budgets) {
        const auto all = static_cast<double>(sim::footprint(trace, objective));
        const std::uint64_t capacity =
            budget.fraction > 0 ? static_cast<std::uint64_t>(all * budget.fraction) : budget.bytes;
        for (const std::string& policy : line.policies) {
          const sim::Replayed r = run(policy, trace, objective, capacity);
          if (line.json) {
            rows.push_back(row(trace.name, objective_name, budget, policy, r));
            continue;
          }
          std::printf("%-24s %-9s %-9s %-9s %8.2f %8.2f %8.2f %10.2f %10llu %8.1f\n",
                      trace.name.c_str(), objective_name.c_str(), budget.text.c_str(),
                      policy.c_str(), 100 * r.hit_ratio(), 100 * r.byte_hit_ratio(),
                      100 * r.cost_hit_ratio(), 100 - 100 * r.cost_hit_ratio(),
                      static_cast<unsigned long long>(r.most_entries), r.metadata_per_entry());
          std::fflush(stdout);
        }
      }
    }
  }
  if (line.json) std::cout << nlohmann::ordered_json{{"rows", rows}}.dump() << '\n';
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    const CommandLine line = parse(count, words);
    if (line.help) {
      std::cout << kHelp;
      return 0;
    }
    if (line.traces.empty()) {
      throw UsageError(
          "There is no trace to replay.\nTo do: reprise-sim <trace file> [...]; --help says what a "
          "trace is.");
    }
    return simulate(line);
  } catch (const UsageError& error) {
    std::cerr << error.what() << '\n';
    return 2;
  } catch (const sim::TraceError& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
