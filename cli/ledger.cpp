#include "cli/ledger.h"

#include <algorithm>
#include <tuple>

#include "cli/json.h"

namespace maskproof::cli {
namespace {

constexpr int kVersion = 1;

const LedgerEntry* Find(const std::vector<LedgerEntry>& entries, const LedgerEntry& key) {
  const auto found = std::ranges::find_if(
      entries, [&key](const LedgerEntry& entry) { return entry.SameKey(key); });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

std::string LedgerClass(const Recipe& recipe) {
  constexpr const char* kForms[] = {"none",  "lengths", "ends_starts", "cumulative",
                                    "raw2d", "dummy2d", "raw3d"};
  std::string name = std::string("mask ") + kForms[static_cast<size_t>(recipe.mask.form)];
  if (recipe.unidirectional == 1) name += ", causal";
  if (recipe.past.value_or(0) > 0) name += ", past";
  if (recipe.attention_bias != BiasBroadcast::kNone) name += ", attention bias";
  return name;
}

bool LedgerEntry::SameKey(const LedgerEntry& other) const {
  const auto key = [](const LedgerEntry& e) {
    return std::tie(e.subject, e.op, e.invariant, e.recipe_class, e.seed, e.largest_tokens,
                    e.largest_heads, e.largest_head_size, e.dialect, e.measured_profile);
  };
  return key(*this) == key(other);
}

std::optional<Ledger> Ledger::FromJson(const std::string& text, std::string& error) {
  try {
    const Json json = Json::parse(text);
    if (json.at("ledger").get<int>() != kVersion) {
      error = "is a ledger of another version";
      return std::nullopt;
    }
    Ledger ledger;
    ledger.outdated_ = json.value("generator", 0) != kGeneratorVersion;
    if (ledger.outdated_) return ledger;
    for (const Json& item : json.at("entries")) {
      LedgerEntry entry;
      entry.subject = item.at("subject").get<std::string>();
      entry.op = item.at("op").get<std::string>();
      entry.invariant = item.at("invariant").get<std::string>();
      entry.recipe_class = item.at("class").get<std::string>();
      entry.seed = item.at("seed").get<uint64_t>();
      entry.largest_tokens = item.at("largest_tokens").get<int64_t>();
      entry.largest_heads = item.at("largest_heads").get<int64_t>();
      entry.largest_head_size = item.at("largest_head_size").get<int64_t>();
      entry.dialect = item.at("dialect").get<std::string>();
      entry.measured_profile = item.at("measured_profile").get<bool>();
      entry.drawn = item.at("drawn").get<int64_t>();
      entry.cases = item.at("cases").get<int64_t>();
      entry.largest = item.at("largest").get<double>();
      ledger.entries_.push_back(std::move(entry));
    }
    return ledger;
  } catch (const Json::exception& problem) {
    error = problem.what();
    return std::nullopt;
  }
}

std::string Ledger::ToJson() const {
  Json json = {{"ledger", kVersion}, {"generator", kGeneratorVersion}, {"entries", Json::array()}};
  for (const LedgerEntry& entry : entries_) {
    json["entries"].push_back({{"subject", entry.subject},
                               {"op", entry.op},
                               {"invariant", entry.invariant},
                               {"class", entry.recipe_class},
                               {"seed", entry.seed},
                               {"largest_tokens", entry.largest_tokens},
                               {"largest_heads", entry.largest_heads},
                               {"largest_head_size", entry.largest_head_size},
                               {"dialect", entry.dialect},
                               {"measured_profile", entry.measured_profile},
                               {"drawn", entry.drawn},
                               {"cases", entry.cases},
                               {"largest", entry.largest}});
  }
  return json.dump(1) + "\n";
}

std::vector<LedgerChange> Ledger::Worse(const std::vector<LedgerEntry>& fresh) const {
  std::vector<LedgerChange> worse;
  for (const LedgerEntry& now : fresh) {
    const LedgerEntry* const recorded = Find(entries_, now);
    if (recorded == nullptr || now.drawn > recorded->drawn) continue;
    if (now.largest > recorded->largest) worse.push_back({.recorded = *recorded, .now = now});
  }
  return worse;
}

void Ledger::Update(const std::vector<LedgerEntry>& fresh) {
  for (const LedgerEntry& now : fresh) {
    auto recorded = std::ranges::find_if(
        entries_, [&now](const LedgerEntry& entry) { return entry.SameKey(now); });
    if (recorded == entries_.end()) {
      entries_.push_back(now);
    } else if (now.drawn >= recorded->drawn) {
      *recorded = now;
    } else {
      recorded->largest = std::max(recorded->largest, now.largest);
    }
  }
}

}  // namespace maskproof::cli
