#include <algorithm>
#include <array>
#include <cstdint>

#include "properties/recipe/choose.h"
#include "properties/recipe/fields.h"
#include "properties/recipe/recipe.h"

namespace maskproof {
namespace {

void MutateSize(Rng& rng, int64_t& size, int64_t max) {
  switch (rng.Below(5)) {
    case 0:
      ++size;
      break;
    case 1:
      size = std::max<int64_t>(1, size - 1);
      break;
    case 2:
      size = std::max<int64_t>(1, size / 2);
      break;
    case 3:
      size = std::min(size * 2, max);
      break;
    default:
      size = ChooseSize(rng, max);
      break;
  }
}

void MutatePast(Rng& rng, const Limits& limits, Recipe& r) {
  if (r.past && rng.OneIn(3)) {
    r.past.reset();
    return;
  }
  // One more than the past, as sizes are never zero.
  int64_t rows = PastLength(r) + 1;
  MutateSize(rng, rows, limits.max_past + 1);
  r.past = rows - 1;
}

void MutateShape(Rng& rng, const Limits& limits, Recipe& r) {
  switch (rng.Below(7)) {
    case 0:
      MutateSize(rng, r.batch, limits.max_batch);
      break;
    case 1:
      MutateSize(rng, r.sequence, limits.max_sequence);
      break;
    case 2:
      MutatePast(rng, limits, r);
      break;
    case 3:
      MutateSize(rng, r.heads, limits.max_heads);
      break;
    case 4:
      MutateSize(rng, r.head_size, limits.max_head_size);
      break;
    case 5:
      MutateSize(rng, r.value_head_size, limits.max_head_size);
      break;
    default:
      MutateSize(rng, r.input_width, limits.max_input_width);
      break;
  }
}

void MutateOption(Rng& rng, Recipe& r) {
  switch (rng.Below(9)) {
    case 0:
    case 1:
      r.unidirectional = r.unidirectional == 0 ? 1 : ChooseUnidirectional(rng);
      break;
    case 2:
      r.scale = rng.OneIn(3) ? std::nullopt : std::optional(ChooseScale(rng));
      break;
    case 3:
      r.mask_filter_value = rng.OneIn(3) ? std::nullopt : std::optional(ChooseMaskFilterValue(rng));
      break;
    case 4:
      r.bias = !r.bias;
      break;
    case 5:
      r.attention_bias = static_cast<BiasBroadcast>(rng.Below(kBiasBroadcastCount));
      break;
    case 6:
      r.bias_masked_share = PickOf(rng, {0.0F, 0.25F, 0.5F, 1.0F});
      r.bias_masked_value = ChooseBiasMaskedValue(rng);
      break;
    case 7:
      r.present = !r.present;
      break;
    default:
      r.explicit_hidden_sizes = !r.explicit_hidden_sizes;
      r.core_layout = static_cast<CoreLayout>(rng.Below(kCoreLayoutCount));
      break;
  }
}

void MutateQuantization(Rng& rng, Recipe& r) {
  const std::array<bool*, 7> flags = {&r.input_signed,
                                      &r.weights_signed,
                                      &r.weight_scale_per_column,
                                      &r.weight_zero_point_per_column,
                                      &r.has_input_zero_point,
                                      &r.has_weight_zero_point,
                                      &r.scalars_as_vectors};
  bool& flag = *flags[rng.Below(flags.size())];
  flag = !flag;
}

void MutateMask(Rng& rng, Recipe& r) {
  const MaskRecipe other = ChooseMask(rng, TotalLength(r));
  switch (rng.Below(6)) {
    case 0:
      r.mask = other;
      break;
    case 1:
      r.mask.form = other.form;
      break;
    case 2:
      r.mask.pattern = ChoosePattern(rng, r.mask.form);
      break;
    case 3:
      r.mask.kept_value = other.kept_value;
      r.mask.masked_value = other.masked_value;
      break;
    case 4:
      r.mask.share = other.share;
      break;
    default:
      r.mask.seed = other.seed;
      break;
  }
}

void MutateValues(Rng& rng, Recipe& r) {
  TensorId id{};
  do {
    id = static_cast<TensorId>(rng.Below(kTensorCount));
  } while (id == TensorId::kMaskIndex || !UsesTensor(r, id));
  const Values other = ChooseValues(rng, r, id);
  Values& v = r.of(id);
  switch (rng.Below(4)) {
    case 0:
      v.seed = other.seed;
      break;
    case 1:
      v.a *= PickOf(rng, {2.0F, 0.5F, -1.0F, 10.0F});
      v.b *= PickOf(rng, {2.0F, 0.5F, 4.0F, 10.0F});
      break;
    default:
      v = other;
      break;
  }
}

void MutateCells(Rng& rng, const Limits& limits, Recipe& r) {
  if (!r.cells.empty() && rng.OneIn(2)) {
    const size_t i = rng.Below(r.cells.size());
    if (rng.OneIn(2)) {
      r.cells.erase(r.cells.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      r.cells[i].index += static_cast<uint32_t>(rng.Below(8));
    }
    return;
  }
  if (r.cells.size() >= limits.max_cells) return;
  const bool mask = r.mask.form != MaskForm::kNone && rng.OneIn(2);
  const bool wild = Percent(rng, 25);
  r.cells.push_back(mask ? ChooseMaskCell(rng, r) : ChooseCell(rng, r, wild));
}

void MutateFaults(Rng& rng, const Limits& limits, Recipe& r) {
  if (!r.faults.empty() && (rng.OneIn(2) || r.faults.size() >= limits.max_faults)) {
    const size_t i = rng.Below(r.faults.size());
    Fault& fault = r.faults[i];
    if (!fault.dims.empty() && rng.OneIn(2)) {
      // In unsigned numbers: a dim may already be the largest there is.
      int64_t& dim = fault.dims[rng.Below(fault.dims.size())];
      dim = static_cast<int64_t>(static_cast<uint64_t>(dim) +
                                 static_cast<uint64_t>(rng.Between(-1, 1)));
    } else {
      r.faults.erase(r.faults.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return;
  }
  AddFault(rng, r, limits);
}

void MutateOnce(Rng& rng, const GenerateOptions& options, Recipe& r) {
  const uint64_t percent = rng.Below(100);
  if (options.allow_faults && percent < 25) {
    MutateFaults(rng, options.limits, r);
    return;
  }
  switch (rng.Below(12)) {
    case 0:
    case 1:
    case 2:
      MutateShape(rng, options.limits, r);
      break;
    case 3:
    case 4:
      MutateMask(rng, r);
      break;
    case 5:
    case 6:
      MutateValues(rng, r);
      break;
    case 7:
    case 8:
      MutateOption(rng, r);
      break;
    case 9:
      MutateCells(rng, options.limits, r);
      break;
    case 10:
      if (r.op == Op::kQAttention) {
        MutateQuantization(rng, r);
        return;
      }
      MutateOption(rng, r);
      break;
    default:
      r.salt = rng.Below(uint64_t{1} << 16);
      break;
  }
}

void Settle(const GenerateOptions& options, Recipe& r) {
  if (options.op) r.op = *options.op;
  if (!options.allow_faults) r.faults.clear();
  Normalize(r, options.limits);
}

}  // namespace

Recipe Mutate(const Recipe& recipe, Rng& rng, const GenerateOptions& options) {
  Recipe mutant = recipe;
  Settle(options, mutant);
  if (!options.op && rng.OneIn(40)) {
    mutant.op = static_cast<Op>(rng.Below(kOpCount));
    Normalize(mutant, options.limits);
  }
  const uint64_t edits = 1 + rng.Below(3);
  for (uint64_t i = 0; i < edits; ++i) {
    MutateOnce(rng, options, mutant);
    Normalize(mutant, options.limits);
  }
  return mutant;
}

Recipe CrossOver(const Recipe& a, const Recipe& b, Rng& rng, const GenerateOptions& options) {
  const bool from_a = rng.OneIn(2);
  Recipe child = from_a ? a : b;
  const Recipe& other = from_a ? b : a;
  // Fields that only make sense together are taken together.
  if (rng.OneIn(2)) {
    child.batch = other.batch;
    child.sequence = other.sequence;
    child.past = other.past;
    child.present = other.present;
  }
  if (rng.OneIn(2)) {
    child.heads = other.heads;
    child.head_size = other.head_size;
    child.value_head_size = other.value_head_size;
    child.input_width = other.input_width;
  }
  if (rng.OneIn(2)) child.mask = other.mask;
  if (rng.OneIn(2)) {
    child.unidirectional = other.unidirectional;
    child.scale = other.scale;
    child.mask_filter_value = other.mask_filter_value;
  }
  if (rng.OneIn(2)) {
    child.attention_bias = other.attention_bias;
    child.bias_masked_share = other.bias_masked_share;
    child.bias_masked_value = other.bias_masked_value;
  }
  if (rng.OneIn(2)) {
    child.input_signed = other.input_signed;
    child.weights_signed = other.weights_signed;
    child.weight_scale_per_column = other.weight_scale_per_column;
    child.weight_zero_point_per_column = other.weight_zero_point_per_column;
    child.has_input_zero_point = other.has_input_zero_point;
    child.has_weight_zero_point = other.has_weight_zero_point;
  }
  for (size_t i = 0; i < kTensorCount; ++i) {
    if (rng.OneIn(2) && UsesTensor(other, static_cast<TensorId>(i))) {
      child.values[i] = other.values[i];
    }
  }
  if (rng.OneIn(2)) child.cells = other.cells;
  if (rng.OneIn(2)) child.faults = other.faults;
  if (rng.OneIn(2)) child.salt = other.salt;
  Settle(options, child);
  return child;
}

}  // namespace maskproof
