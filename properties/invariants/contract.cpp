// The laws about the call itself: what it may touch, and what it must refuse.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "properties/base/rng.h"
#include "properties/case/case.h"
#include "properties/case/limits.h"
#include "properties/case/validity.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/faults.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/trial.h"

namespace maskproof {
namespace {

bool Died(OutcomeKind kind) {
  return kind == OutcomeKind::kCrashed || kind == OutcomeKind::kHung ||
         kind == OutcomeKind::kExhausted;
}

std::string WhatIsDirty(const MemoryReport& memory) {
  std::string what;
  if (memory.inputs_changed) what += "an input was changed; ";
  if (memory.wrote_outside) what += "memory around an output was written; ";
  if (memory.unwritten > 0) {
    what += std::to_string(memory.unwritten) + " output elements were never written; ";
  }
  if (memory.touched_on_refusal) what += "an output was written though the call was refused; ";
  if (memory.float_environment_changed) what += "the floating-point environment was changed; ";
  return what + memory.detail;
}

bool SameTensor(const Tensor& a, const Tensor& b) {
  return a.dims == b.dims && std::ranges::equal(a.as<float>(), b.as<float>(), SameBits);
}

bool SameOutput(const Output& a, const Output& b) {
  return SameTensor(a.output, b.output) && a.present.has_value() == b.present.has_value() &&
         (!a.present || !b.present || SameTensor(*a.present, *b.present));
}

// Whether a message names a tensor or an attribute at all.
bool NamesSomething(std::string_view message) {
  constexpr std::array<std::string_view, 9> kAttributes{
      "num_heads", "unidirectional", "qkv_hidden_sizes",          "mask_filter_value", "scale",
      "present",   "do_rotary",      "past_present_share_buffer", "total_length"};
  for (const std::string_view attribute : kAttributes) {
    if (message.find(attribute) != std::string_view::npos) return true;
  }
  for (size_t i = 0; i < kTensorCount; ++i) {
    if (message.find(TensorName(static_cast<TensorId>(i))) != std::string_view::npos) return true;
  }
  return false;
}

bool IsWordCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

// Where `word` ends in `text` behind `from`, not as a part of a longer word; npos if nowhere.
size_t EndOfWord(std::string_view text, std::string_view word, size_t from) {
  for (size_t at = text.find(word, from); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool starts = at == 0 || !IsWordCharacter(text[at - 1]);
    if (starts && (end == text.size() || !IsWordCharacter(text[end]))) return end;
  }
  return std::string_view::npos;
}

// The first number or shape of what the model of validity says, expected or got, that a message
// about the same tensor does not give, in the same order; empty if there is none.
std::string_view MissingValue(std::string_view message, const ValidityVerdict& model) {
  if (!message.starts_with(model.subject)) return {};
  std::string_view rest = model.reason;
  size_t from = 0;
  while (!rest.empty()) {
    const size_t length = std::min(rest.find(' '), rest.size());
    std::string_view word = rest.substr(0, length);
    rest.remove_prefix(std::min(length + 1, rest.size()));
    while (!word.empty() && (word.back() == ',' || word.back() == ';')) word.remove_suffix(1);
    const bool is_value = std::ranges::any_of(word, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_value) continue;
    from = EndOfWord(message, word, from);
    if (from == std::string_view::npos) return word;
  }
  return {};
}

// `fault`: the name that the message must hold if the subject names faults; null: any name.
// `model`: what is wrong, if it is one thing.
void JudgeRefusal(const Promises& promises, const Outcome& outcome, const char* fault,
                  const ValidityVerdict* model, Tally& tally) {
  const std::string& message = outcome.message;
  const bool named =
      fault != nullptr ? message.find(fault) != std::string::npos : NamesSomething(message);
  if (message.empty()) {
    tally.Fail("refused without a message");
  } else if (promises.names_faults && !named) {
    tally.Fail(std::string("the message does not name the fault (") +
               (fault != nullptr ? fault : "any tensor or attribute") + "): " + message);
  } else if (const std::string_view missing =
                 model != nullptr ? MissingValue(message, *model) : std::string_view();
             promises.names_faults && !missing.empty()) {
    tally.Fail("the message does not say " + std::string(missing) + " where the model says \"" +
               model->reason + "\": " + message);
  } else {
    tally.Agree();
  }
  if (outcome.memory.touched_on_refusal) {
    tally.Fail("refused, but an output was written: " + outcome.memory.detail);
  }
}

// Whether masks and biases of the case's size can be made. A size of zero may stand beside huge
// ones.
bool FitsMasks(const Geometry& g) {
  constexpr double kMostElements = 0x1p24;
  const auto at_least_one = [](int64_t size) {
    return static_cast<double>(std::max<int64_t>(size, 1));
  };
  return at_least_one(g.batch) * at_least_one(g.heads) * at_least_one(g.sequence) *
             at_least_one(g.total) * at_least_one(g.head_size) <=
         kMostElements;
}

// A well-formed case with a small output that a subject can compute, but not while anyone waits.
// Those whose output is too large stay: they are to be refused at once.
bool TakesTooLong(const Case& c) {
  const Geometry g = GeometryOf(c);
  const double rows =
      static_cast<double>(g.batch) * static_cast<double>(g.sequence) * static_cast<double>(g.heads);
  const auto values = static_cast<double>(std::max(g.head_size, g.value_head_size));
  return rows * static_cast<double>(g.total) > static_cast<double>(kMostScores) &&
         rows * values <= static_cast<double>(kLargestOutput) &&
         JudgeValidity(c).validity == Validity::kUnsupported;
}

}  // namespace

Verdict CheckMemory(Subject& subject, const Case& c) {
  struct Where {
    MemoryPlacement placement;
    const char* label;
    bool flushing = false;
  };
  constexpr std::array kPlaces{
      Where{.placement = MemoryPlacement::kPlain, .label = "in ordinary memory"},
      Where{.placement = MemoryPlacement::kGuardAfter,
            .label = "with an unreadable page after every tensor"},
      Where{.placement = MemoryPlacement::kGuardBefore,
            .label = "with an unreadable page before every tensor"},
      Where{.placement = MemoryPlacement::kUnaligned, .label = "with no tensor aligned"},
      Where{.placement = MemoryPlacement::kPlain,
            .label = "where the caller flushes denormals",
            .flushing = true}};
  if (TakesTooLong(c) || !subject.Supports(c)) return NotApplicable();
  Verdict combined = NotApplicable();
  std::optional<Output> elsewhere;
  for (const Where& place : kPlaces) {
    RunRequest request;
    request.placement = place.placement;
    request.audit = true;
    request.flushing = place.flushing;
    Outcome outcome = subject.Run(c, request);
    if (outcome.kind == OutcomeKind::kUnsupported) continue;
    Tally tally(place.label);
    if (Died(outcome.kind)) {
      tally.Fail(std::string(OutcomeKindName(outcome.kind)) + ": " + outcome.message);
    } else if (!outcome.memory.clean()) {
      tally.Fail(WhatIsDirty(outcome.memory));
    } else if (outcome.kind == OutcomeKind::kOutput) {
      // Denormals that are flushed are the caller's wish.
      const bool same = !elsewhere || place.flushing || SameOutput(*elsewhere, outcome.output);
      if (subject.promises().reproducible_rows && !same) {
        tally.Fail("the result is another one than with the tensors elsewhere");
      } else {
        tally.Agree();
      }
      elsewhere = std::move(outcome.output);
    }
    combined = Combine(combined, tally.Finish());
    if (combined.kind == VerdictKind::kBroken) break;
  }
  return combined;
}

Verdict CheckRefusal(Subject& subject, const Case& c) {
  Rng rng(MixSeeds(c.salt, 0x16));
  Case tried = c;
  const char* fault = nullptr;
  bool injected = false;  // one thing is wrong at most
  ValidityVerdict validity = JudgeValidity(tried);
  // A valid case is worth more with one thing wrong in it, or one that only looks wrong.
  if (validity.validity == Validity::kValid && FitsMasks(GeometryOf(tried))) {
    injected = rng.OneIn(2);
    if (injected) {
      fault = InjectFault(tried, rng);
    } else if (rng.OneIn(2)) {
      MakeOdd(tried, rng);
    }
    validity = JudgeValidity(tried);
  }
  if (TakesTooLong(tried) || !subject.Supports(tried)) return NotApplicable();
  RunRequest request;
  request.audit = true;
  const Outcome outcome = subject.Run(tried, request);
  if (outcome.kind == OutcomeKind::kUnsupported) return NotApplicable();
  const bool valid = validity.validity == Validity::kValid;
  Tally tally(valid ? "a valid case" : validity.reason);
  if (Died(outcome.kind)) {
    tally.Fail(std::string(OutcomeKindName(outcome.kind)) + ": " + outcome.message);
    return tally.Finish();
  }
  const bool refused = outcome.kind == OutcomeKind::kRefused;
  if (valid && refused) {
    tally.Fail("was refused: " + outcome.message);
  } else if (validity.validity == Validity::kInvalid && !refused) {
    tally.Fail("was accepted");
  } else if (refused) {
    const bool single = validity.validity == Validity::kInvalid;
    JudgeRefusal(subject.promises(), outcome, single ? fault : nullptr,
                 single && injected ? &validity : nullptr, tally);
  } else if (valid && outcome.memory.unwritten > 0) {
    tally.Fail("was accepted, but not computed: " + WhatIsDirty(outcome.memory));
  } else {
    tally.Agree();
  }
  return tally.Finish();
}

}  // namespace maskproof
