#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "properties/recipe/fields.h"
#include "properties/recipe/measure.h"
#include "properties/recipe/recipe.h"

namespace maskproof {
namespace {

constexpr size_t kMaxCandidates = 160;

// Collects simpler versions of one recipe.
class Candidates {
 public:
  Candidates(const Recipe& recipe, const Limits& limits)
      : recipe_(recipe), limits_(limits), measure_(MeasureOf(recipe)) {}

  // Lets `edit` change a copy and keeps the copy if it is simpler and new.
  template <typename Edit>
  void Try(Edit edit) {
    if (found_.size() >= kMaxCandidates) return;
    Recipe candidate = recipe_;
    edit(candidate);
    Normalize(candidate, limits_);
    if (!(MeasureOf(candidate) < measure_)) return;
    if (std::ranges::find(found_, candidate) != found_.end()) return;
    found_.push_back(std::move(candidate));
  }

  const Recipe& recipe() const { return recipe_; }
  std::vector<Recipe> Take() { return std::move(found_); }

 private:
  const Recipe& recipe_;
  const Limits& limits_;
  Measure measure_;
  std::vector<Recipe> found_;
};

int64_t Half(int64_t n) { return (n + 1) / 2; }

// The patterns that a finding most often needs, tried in place of a complicated one.
constexpr std::array<KeepPattern, 5> kPlainPatterns = {KeepPattern::kNothing, KeepPattern::kLast,
                                                       KeepPattern::kOne, KeepPattern::kLeft,
                                                       KeepPattern::kAllButOne};

// ---- bold: everything small at once ------------------------------

void MakeTiny(Recipe& r, int64_t tokens, int64_t width) {
  r.batch = 1;
  r.heads = 1;
  r.head_size = std::min(r.head_size, width);
  r.value_head_size = std::min(r.value_head_size, width);
  r.input_width = std::min(r.input_width, width);
  r.sequence = std::min(r.sequence, tokens);
  if (r.past) r.past = std::min(*r.past, tokens - r.sequence);
}

void TryTiny(Candidates& out) {
  for (const int64_t tokens : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}}) {
    for (const int64_t width : {int64_t{1}, int64_t{4}}) {
      out.Try([&](Recipe& r) { MakeTiny(r, tokens, width); });
      out.Try([&](Recipe& r) {
        MakeTiny(r, tokens, width);
        r.past.reset();
        r.cells.clear();
      });
    }
    if (out.recipe().mask.form == MaskForm::kNone || tokens == 1) continue;
    for (const KeepPattern pattern : kPlainPatterns) {
      out.Try([&](Recipe& r) {
        MakeTiny(r, tokens, 4);
        r.mask.pattern = pattern;
      });
    }
  }
  // One new token after a short past.
  if (!out.recipe().past) return;
  for (const int64_t past : {int64_t{1}, int64_t{3}}) {
    out.Try([&](Recipe& r) {
      MakeTiny(r, 1, 4);
      r.past = std::min(PastLength(out.recipe()), past);
    });
  }
}

// ---- lists -------------------------------------------------------

template <typename List>
void TryShorter(Candidates& out, List Recipe::* list) {
  const size_t count = (out.recipe().*list).size();
  if (count == 0) return;
  out.Try([&](Recipe& r) { (r.*list).clear(); });
  if (count > 2) {
    const auto half = static_cast<std::ptrdiff_t>(count / 2);
    out.Try([&](Recipe& r) { (r.*list).erase((r.*list).begin(), (r.*list).begin() + half); });
    out.Try([&](Recipe& r) { (r.*list).erase((r.*list).begin() + half, (r.*list).end()); });
  }
  constexpr size_t kMostSingles = 16;
  for (size_t i = 0; i < std::min(count, kMostSingles); ++i) {
    out.Try(
        [&](Recipe& r) { (r.*list).erase((r.*list).begin() + static_cast<std::ptrdiff_t>(i)); });
  }
}

// ---- sizes -------------------------------------------------------

void HalveAll(Recipe& r) {
  r.batch = Half(r.batch);
  r.heads = Half(r.heads);
  r.sequence = Half(r.sequence);
  if (r.past) r.past = *r.past / 2;
  r.head_size = Half(r.head_size);
  r.value_head_size = Half(r.value_head_size);
  r.input_width = Half(r.input_width);
}

void HalveLengths(Recipe& r) {
  r.sequence = Half(r.sequence);
  if (r.past) r.past = *r.past / 2;
}

void TrySizes(Candidates& out) {
  out.Try(HalveAll);
  out.Try(HalveLengths);
  out.Try([](Recipe& r) {
    r.head_size = Half(r.head_size);
    r.value_head_size = Half(r.value_head_size);
  });
  out.Try([](Recipe& r) {
    r.head_size = 1;
    r.value_head_size = 1;
    r.input_width = 1;
  });
  out.Try([](Recipe& r) { r.past.reset(); });
  out.Try([](Recipe& r) { r.past = r.past ? std::optional<int64_t>(0) : std::nullopt; });
  for (int64_t Recipe::* size :
       {&Recipe::batch, &Recipe::heads, &Recipe::sequence, &Recipe::head_size,
        &Recipe::value_head_size, &Recipe::input_width}) {
    out.Try([&](Recipe& r) { r.*size = 1; });
    out.Try([&](Recipe& r) { r.*size = Half(r.*size); });
    out.Try([&](Recipe& r) { --(r.*size); });
  }
  if (out.recipe().past) {
    out.Try([](Recipe& r) { r.past = *r.past / 2; });
    out.Try([](Recipe& r) { r.past = *r.past - 1; });
  }
}

// A smaller size draws another mask, and the invariant makes other choices: without a second chance
// a finding that depends on either would stay large.
void TrySizesWithOtherDraws(Candidates& out) {
  const Recipe& from = out.recipe();
  const auto shorter = [&](Recipe& r, bool by_half) {
    if (by_half) {
      HalveLengths(r);
    } else if (r.sequence > 1) {
      --r.sequence;
    } else if (PastLength(r) > 0) {
      --*r.past;
    }
  };
  for (const bool by_half : {true, false}) {
    if (from.mask.form != MaskForm::kNone) {
      for (const KeepPattern pattern : kPlainPatterns) {
        if (PatternRank(pattern) >= PatternRank(from.mask.pattern)) continue;
        out.Try([&](Recipe& r) {
          shorter(r, by_half);
          r.mask.pattern = pattern;
        });
      }
    }
    for (uint32_t draw = 0; draw < 4; ++draw) {
      out.Try([&](Recipe& r) {
        shorter(r, by_half);
        r.mask.seed = draw;
        r.of(TensorId::kAttentionBias).seed = draw;
        r.salt = draw;
      });
      out.Try([&](Recipe& r) {
        shorter(r, by_half);
        r.salt += 1 + draw;
      });
    }
  }
  for (int64_t Recipe::* size : {&Recipe::heads, &Recipe::batch}) {
    for (uint64_t salt = 0; salt < 3; ++salt) {
      out.Try([&](Recipe& r) {
        r.*size = Half(r.*size);
        r.salt = salt;
      });
    }
  }
}

// ---- mask, options -----------------------------------------------

void TryMask(Candidates& out) {
  if (out.recipe().mask.form == MaskForm::kNone) return;
  out.Try([](Recipe& r) { r.mask = MaskRecipe(); });
  for (const KeepPattern pattern :
       {KeepPattern::kAll, KeepPattern::kNothing, KeepPattern::kLast, KeepPattern::kOne,
        KeepPattern::kRight, KeepPattern::kLeft, KeepPattern::kAllButOne, KeepPattern::kSpan,
        KeepPattern::kGap}) {
    out.Try([&](Recipe& r) {
      r.mask.form = MaskForm::kRaw2D;
      r.mask.pattern = pattern;
    });
    out.Try([&](Recipe& r) { r.mask.pattern = pattern; });
  }
  for (const MaskForm form : {MaskForm::kRaw2D, MaskForm::kLengths, MaskForm::kEndsStarts}) {
    out.Try([&](Recipe& r) { r.mask.form = form; });
  }
  out.Try([](Recipe& r) { r.mask.kept_value = 1; });
  out.Try([](Recipe& r) { r.mask.masked_value = 0; });
  out.Try([](Recipe& r) { r.mask.share = 0.5F; });
}

void TryOptions(Candidates& out) {
  out.Try([](Recipe& r) { r.unidirectional = 0; });
  out.Try([](Recipe& r) { r.unidirectional = 1; });
  out.Try([](Recipe& r) { r.attention_bias = BiasBroadcast::kNone; });
  out.Try([](Recipe& r) { r.attention_bias = BiasBroadcast::kFull; });
  out.Try([](Recipe& r) { r.bias_masked_share = 0.0F; });
  out.Try([](Recipe& r) { r.bias_masked_share = 1.0F; });
  out.Try([](Recipe& r) { r.bias_masked_value = Recipe().bias_masked_value; });
  out.Try([](Recipe& r) { r.bias = false; });
  out.Try([](Recipe& r) { r.present = false; });
  out.Try([](Recipe& r) { r.explicit_hidden_sizes = false; });
  out.Try([](Recipe& r) { r.scale.reset(); });
  out.Try([](Recipe& r) { r.scale = 1.0F; });
  out.Try([](Recipe& r) { r.mask_filter_value.reset(); });
  out.Try([](Recipe& r) { r.core_layout = CoreLayout::kHeadMajor; });
  for (bool Recipe::* flag : {&Recipe::weight_scale_per_column,
                              &Recipe::weight_zero_point_per_column, &Recipe::has_input_zero_point,
                              &Recipe::has_weight_zero_point, &Recipe::scalars_as_vectors}) {
    out.Try([&](Recipe& r) { r.*flag = false; });
  }
}

// The same numbers, moved by 128 into the other type.
void MoveToUnsigned(Values& v) {
  constexpr float kOffset = 128.0F;
  v.a += kOffset;
  if (v.distribution == Distribution::kIntegers || v.distribution == Distribution::kUniform) {
    v.b += kOffset;
  }
}

void TrySignedness(Candidates& out) {
  out.Try([](Recipe& r) {
    if (!r.input_signed) return;
    r.input_signed = false;
    MoveToUnsigned(r.of(TensorId::kInput));
    MoveToUnsigned(r.of(TensorId::kInputZeroPoint));
  });
  out.Try([](Recipe& r) {
    if (!r.weights_signed) return;
    r.weights_signed = false;
    MoveToUnsigned(r.of(TensorId::kWeights));
    MoveToUnsigned(r.of(TensorId::kWeightZeroPoint));
  });
}

// ---- values, seeds -----------------------------------------------

void TryValues(Candidates& out) {
  const auto each = [&](Values simple) {
    for (size_t i = 0; i < kTensorCount; ++i) {
      const auto id = static_cast<TensorId>(i);
      if (!UsesTensor(out.recipe(), id) || id == TensorId::kMaskIndex) continue;
      out.Try([&](Recipe& r) {
        // The seed of before: what it draws has already proved able to show the fault.
        simple.seed = r.values[i].seed;
        r.values[i] = simple;
      });
    }
  };
  each({.distribution = Distribution::kConstant, .a = 0.0F});
  each({.distribution = Distribution::kConstant, .a = 1.0F});
  each({.distribution = Distribution::kIntegers, .a = -2.0F, .b = 2.0F});
  each({.distribution = Distribution::kNormal});
}

void TrySeeds(Candidates& out) {
  out.Try([](Recipe& r) {
    for (Values& v : r.values) v.seed = 0;
    r.mask.seed = 0;
    r.salt = 0;
  });
  for (const uint64_t salt :
       {uint64_t{0}, uint64_t{1}, out.recipe().salt >> 8, out.recipe().salt / 2}) {
    out.Try([&](Recipe& r) { r.salt = salt; });
  }
  for (const uint32_t seed : {0U, 1U, out.recipe().mask.seed / 2}) {
    out.Try([&](Recipe& r) { r.mask.seed = seed; });
  }
  for (size_t i = 0; i < kTensorCount; ++i) {
    out.Try([&](Recipe& r) { r.values[i].seed = 0; });
  }
}

// ---- sizes that step over what does not show the finding ------------------------------------

void SetTokens(Recipe& r, int64_t tokens) {
  r.sequence = std::min(r.sequence, tokens);
  if (r.past) r.past = std::min(*r.past, tokens - r.sequence);
}

// Calls visit(edit) with each way to make a recipe smaller.
template <typename Visit>
void ForEachSmaller(const Recipe& from, Visit visit) {
  const int64_t total = from.sequence + PastLength(from);
  // The smallest at all, then the smallest beyond a vector, a mask word and so on.
  for (const int64_t tokens : {1, 2, 3, 4, 5, 9, 17, 33, 65, 129, 257, 513}) {
    if (tokens < total) visit([tokens](Recipe& r) { SetTokens(r, tokens); });
  }
  visit([total](Recipe& r) { SetTokens(r, Half(total)); });
  visit([total](Recipe& r) { SetTokens(r, std::max<int64_t>(total - 1, 1)); });
  for (int64_t Recipe::* size : {&Recipe::batch, &Recipe::heads, &Recipe::head_size,
                                 &Recipe::value_head_size, &Recipe::input_width}) {
    if (from.*size <= 1) continue;
    visit([size](Recipe& r) { r.*size = 1; });
    visit([size](Recipe& r) { r.*size = Half(r.*size); });
    visit([size](Recipe& r) { --(r.*size); });
  }
}

void DrawAnew(Recipe& r, Rng& rng) {
  constexpr uint64_t kSeeds = 1024;
  for (Values& v : r.values) v.seed = static_cast<uint32_t>(rng.Below(kSeeds));
  r.mask.seed = static_cast<uint32_t>(rng.Below(kSeeds));
  r.salt = rng.Below(kSeeds);
}

}  // namespace

std::vector<Recipe> RedrawnCandidates(const Recipe& recipe, uint64_t round, const Limits& limits) {
  Candidates out(recipe, limits);
  Rng rng(round);
  ForEachSmaller(recipe, [&](const auto& edit) {
    out.Try([&](Recipe& r) {
      edit(r);
      DrawAnew(r, rng);
    });
  });
  std::vector<Recipe> smaller = out.Take();
  // Other numbers alone are not worth a try.
  const uint64_t structure = MeasureOf(recipe).structure;
  std::erase_if(smaller, [&](const Recipe& r) { return MeasureOf(r).structure >= structure; });
  return smaller;
}

std::vector<Recipe> ShrinkCandidates(const Recipe& recipe, const Limits& limits) {
  Candidates out(recipe, limits);
  TryTiny(out);
  TryShorter(out, &Recipe::faults);
  TryShorter(out, &Recipe::cells);
  TrySizes(out);
  TrySizesWithOtherDraws(out);
  TryMask(out);
  TryOptions(out);
  TrySignedness(out);
  TryValues(out);
  TrySeeds(out);
  return out.Take();
}

}  // namespace maskproof
