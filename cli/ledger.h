// The largest error over its bound that was ever seen, by subject, law and kind of recipe: so that
// a kernel that got worse and is still inside of the bound is noticed (docs/command.md).
#ifndef MASKPROOF_CLI_LEDGER_H_
#define MASKPROOF_CLI_LEDGER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "properties/recipe/recipe.h"

namespace maskproof::cli {

// What kind of case a recipe stands for: "mask raw2d, causal, past".
std::string LedgerClass(const Recipe& recipe);

struct LedgerEntry {
  // The key. Seed and limits say which case is which, dialect and profile what is allowed of it.
  std::string subject;
  std::string op;
  std::string invariant;
  std::string recipe_class;
  uint64_t seed = 0;
  int64_t largest_tokens = 0;  // 0: the generator's own limit
  int64_t largest_heads = 0;
  int64_t largest_head_size = 0;
  std::string dialect = "ideal";
  bool measured_profile = false;
  // What was seen.
  int64_t drawn = 0;     // case numbers below this were tried
  int64_t cases = 0;     // of them, with a ratio, in this class
  double largest = 0.0;  // 1 is the bound

  bool SameKey(const LedgerEntry& other) const;
};

struct LedgerChange {
  LedgerEntry recorded;
  LedgerEntry now;
};

class Ledger {
 public:
  // nullopt with a reason in `error` for a text that is no ledger. What another version of the
  // generator made is left out: its seeds stand for other cases.
  static std::optional<Ledger> FromJson(const std::string& text, std::string& error);
  std::string ToJson() const;

  // Entries whose ratio is larger than the recorded one though nothing but cases that were tried
  // before was tried: then the arithmetic has changed. (With other cases a larger ratio says
  // nothing.)
  std::vector<LedgerChange> Worse(const std::vector<LedgerEntry>& fresh) const;
  // Takes the fresh entries in: as they are where they cover as many cases or the entry is new,
  // else the larger ratio.
  void Update(const std::vector<LedgerEntry>& fresh);

  // The text was made with another version of the generator.
  bool outdated() const { return outdated_; }
  const std::vector<LedgerEntry>& entries() const { return entries_; }

 private:
  bool outdated_ = false;
  std::vector<LedgerEntry> entries_;
};

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_LEDGER_H_
