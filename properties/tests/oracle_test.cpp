// The oracle from both sides: no correct implementation is outside of its bound, and small faults
// are.
#include "properties/oracle/oracle.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "properties/case/floats.h"
#include "properties/case/validity.h"
#include "properties/subjects/evaluation.h"
#include "properties/tests/oracle_cases.h"

namespace maskproof {
namespace {

using testing::Data;
using testing::DrawCase;
using testing::DrawTensor;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Case CoreCase(int64_t sequence, int64_t total, int64_t size) {
  Case c;
  c.op = Op::kCore;
  c[TensorId::kQuery] = Tensor(ElementType::kFloat32, {1, 1, sequence, size});
  c[TensorId::kKey] = Tensor(ElementType::kFloat32, {1, 1, total, size});
  c[TensorId::kValue] = Tensor(ElementType::kFloat32, {1, 1, total, size});
  return c;
}

NumericsProfile Declared() {
  NumericsProfile profile;
  profile.product_first = true;
  profile.natural_exp = true;
  return profile;
}

bool Judged(RowState state) {
  return state == RowState::kBounded || state == RowState::kFullyMasked;
}

// Calls visit(index) for every output element of a row that is judged.
template <typename Visit>
void ForEachJudged(const Case& c, const Reference& r, Visit visit) {
  const Geometry& g = r.geometry;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        if (!Judged(r.row(b, n, s))) continue;
        for (int64_t column = 0; column < g.value_head_size; ++column) {
          visit(static_cast<size_t>(OutputIndex(c.op, g, b, n, s, column)));
        }
      }
    }
  }
}

int64_t Violations(const Case& c, const Reference& r, const std::vector<float>& got) {
  int64_t violations = 0;
  ForEachJudged(c, r, [&](size_t i) {
    violations += Within(static_cast<double>(got[i]), r.output[i], r.bound[i]) ? 0 : 1;
  });
  return violations;
}

// ---- values
// ---------------------------------------------------------------------------------------

TEST(Reference, WeighsTwoKeys) {
  Case c = CoreCase(1, 2, 1);
  c.attributes.scale = 1.0F;
  c[TensorId::kQuery]->Set(0, 1.0);
  c[TensorId::kKey]->Set(1, 2.0);
  c[TensorId::kValue]->Set(0, 10.0);
  c[TensorId::kValue]->Set(1, 20.0);
  OracleOptions options;
  options.want_weights = true;
  const Reference r = ComputeReference(c, options);
  const double p = 1.0 / (1.0 + std::exp(-2.0));
  EXPECT_NEAR(r.weights[1], p, 1e-15);
  EXPECT_NEAR(r.weights[0], 1.0 - p, 1e-15);
  EXPECT_NEAR(r.output[0], 10.0 + 10.0 * p, 1e-13);
  EXPECT_GT(r.bound[0], 0.0);
  EXPECT_LT(r.bound[0], 1e-4);
}

TEST(Reference, DefaultScaleIsOneOverRootOfHeadSize) {
  Rng rng(3);
  Case c = DrawCase(rng, Op::kCore, Data::kNormal);
  const Geometry g = GeometryOf(c);
  c.attributes.scale.reset();
  const Reference implied = ComputeReference(c, {});
  c.attributes.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(g.head_size)));
  const Reference given = ComputeReference(c, {});
  for (size_t i = 0; i < implied.output.size(); ++i) {
    EXPECT_NEAR(implied.output[i], given.output[i], 1e-5);
  }
}

TEST(Reference, LaysTheOutputOutAsTheOperatorDoes) {
  Geometry g;
  g.batch = 2;
  g.heads = 3;
  g.sequence = 5;
  g.value_head_size = 7;
  EXPECT_EQ(OutputIndex(Op::kAttention, g, 1, 2, 4, 6), ((1 * 5 + 4) * 3 + 2) * 7 + 6);
  EXPECT_EQ(OutputIndex(Op::kCore, g, 1, 2, 4, 6), ((1 * 3 + 2) * 5 + 4) * 7 + 6);
}

TEST(Reference, FullyMaskedRowsFollowThePolicy) {
  Case c = CoreCase(2, 3, 1);
  c.attributes.unidirectional = 1;
  for (int64_t t = 0; t < 3; ++t) c[TensorId::kValue]->Set(t, static_cast<double>(3 * t));
  c[TensorId::kMaskIndex] = Tensor(ElementType::kInt32, {1});
  OracleOptions options;
  const Reference uniform = ComputeReference(c, options);
  EXPECT_EQ(uniform.row(0, 0, 0), RowState::kFullyMasked);
  EXPECT_NEAR(uniform.output[0], 3.0, 1e-15);  // future keys count as well
  EXPECT_LT(uniform.bound[0], 1e-4);
  options.fully_masked = FullyMasked::kZero;
  const Reference zero = ComputeReference(c, options);
  EXPECT_EQ(zero.output[0], 0.0);
  EXPECT_EQ(zero.bound[0], 0.0);
}

TEST(Reference, PresentIsThePastAndTheNewRows) {
  Case c;
  c.want_present = true;
  c[TensorId::kInput] = Tensor(ElementType::kFloat32, {1, 1, 1});
  c[TensorId::kWeights] = Tensor(ElementType::kFloat32, {1, 3});
  c[TensorId::kPast] = Tensor(ElementType::kFloat32, {2, 1, 1, 1, 1});
  c[TensorId::kInput]->Set(0, 1.0 / 3.0);
  c[TensorId::kWeights]->Set(1, 1.0 / 7.0);
  c[TensorId::kWeights]->Set(2, 2.0);
  c[TensorId::kPast]->Set(0, -kInfinity);
  c[TensorId::kPast]->Set(1, 5.5);
  const Reference r = ComputeReference(c, {});
  ASSERT_EQ(r.present.size(), 4U);
  EXPECT_EQ(r.present[0], -kInfinity);
  EXPECT_EQ(r.present_bound[0], 0.0);
  EXPECT_NEAR(r.present[1], 1.0 / 21.0, 1e-8);
  EXPECT_GT(r.present_bound[1], 0.0);
  EXPECT_EQ(r.present[2], 5.5);
  EXPECT_EQ(r.present_bound[2], 0.0);
  EXPECT_EQ(r.present_bound[3], 0.0);  // one product with a power of two
}

TEST(Reference, HandlesNothingToCompute) {
  Case c = CoreCase(0, 0, 4);
  EXPECT_TRUE(ComputeReference(c, {}).output.empty());
  c = CoreCase(0, 3, 4);
  EXPECT_TRUE(ComputeReference(c, {}).output.empty());
  Case attention;
  attention[TensorId::kInput] = Tensor(ElementType::kFloat32, {2, 0, 4});
  attention[TensorId::kWeights] = Tensor(ElementType::kFloat32, {4, 6});
  attention[TensorId::kPast] = Tensor(ElementType::kFloat32, {2, 2, 1, 3, 2});
  attention.want_present = true;
  EXPECT_EQ(ComputeReference(attention, {}).present.size(), 24U);
  // A zero beside sizes that nobody can walk through.
  const int64_t huge = int64_t{1} << 40;
  attention[TensorId::kInput] = Tensor(ElementType::kFloat32, {huge, 0, 4});
  attention[TensorId::kPast] = Tensor(ElementType::kFloat32, {2, huge, 1, 0, 2});
  ASSERT_EQ(JudgeValidity(attention).validity, Validity::kValid);
  EXPECT_TRUE(ComputeReference(attention, {}).present.empty());
  // Without inputs the projection is the bias.
  Case narrow;
  narrow[TensorId::kInput] = Tensor(ElementType::kFloat32, {1, 2, 0});
  narrow[TensorId::kWeights] = Tensor(ElementType::kFloat32, {0, 3});
  narrow[TensorId::kBias] = Tensor(ElementType::kFloat32, {3});
  narrow[TensorId::kBias]->Set(2, 4.25);
  EXPECT_EQ(ComputeReference(narrow, {}).output[1], 4.25);
}

// ---- states
// ---------------------------------------------------------------------------------------

TEST(RowStates, NonFiniteDataReachOnlyTheRowsThatSeeThem) {
  for (const double bad : std::initializer_list<double>{kNaN, kInfinity, -kInfinity}) {
    for (const TensorId id : {TensorId::kKey, TensorId::kValue}) {
      Rng rng(5);
      Case c = CoreCase(3, 3, 2);
      for (const TensorId t : {TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
        c[t] = DrawTensor(rng, Data::kNormal, c[t]->dims);
      }
      c.attributes.unidirectional = 1;
      const Reference clean = ComputeReference(c, {});
      c[id]->Set(2 * 2, bad);  // key 2: seen by query 2 only
      const Reference r = ComputeReference(c, {});
      EXPECT_EQ(r.row(0, 0, 2), RowState::kNonFinite);
      EXPECT_TRUE(std::isnan(r.output[4]));
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(r.output[i], clean.output[i]);
        EXPECT_EQ(r.bound[i], clean.bound[i]);
      }
    }
  }
}

TEST(RowStates, NonFiniteQueryAndBias) {
  Case c = CoreCase(2, 2, 1);
  c[TensorId::kQuery]->Set(1, kNaN);
  c[TensorId::kAttentionBias] = Tensor(ElementType::kFloat32, {1, 1, 2, 2});
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kBounded);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 1), RowState::kNonFinite);
  c[TensorId::kAttentionBias]->Set(0, kInfinity);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kNonFinite);
  c[TensorId::kAttentionBias]->Set(0, -kInfinity);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kBounded);
}

TEST(RowStates, FullyMaskedRowsNeedOnlyFiniteValues) {
  Case c = CoreCase(1, 2, 1);
  c[TensorId::kMaskIndex] = Tensor(ElementType::kInt32, {1});
  c[TensorId::kQuery]->Set(0, kNaN);
  c[TensorId::kKey]->Set(0, kInfinity);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kFullyMasked);
  c[TensorId::kValue]->Set(1, kNaN);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kNonFinite);
  OracleOptions zero;
  zero.fully_masked = FullyMasked::kZero;
  EXPECT_EQ(ComputeReference(c, zero).row(0, 0, 0), RowState::kFullyMasked);
}

TEST(RowStates, NonFiniteInputReachesItsTokenOnly) {
  Rng rng(8);
  Case c;
  c[TensorId::kInput] = DrawTensor(rng, Data::kNormal, {1, 3, 4});
  c[TensorId::kWeights] = DrawTensor(rng, Data::kNormal, {4, 6});
  c[TensorId::kInput]->Set(1 * 4 + 2, kNaN);
  Tensor mask(ElementType::kInt32, {1, 3});
  mask.Set(0, 1.0);
  mask.Set(2, 1.0);
  c[TensorId::kMaskIndex] = mask;
  const Reference r = ComputeReference(c, {});
  EXPECT_EQ(r.row(0, 0, 0), RowState::kBounded);
  EXPECT_EQ(r.row(0, 0, 1), RowState::kNonFinite);  // its own query
  EXPECT_EQ(r.row(0, 0, 2), RowState::kBounded);
}

TEST(RowStates, PossibleOverflowIsSeen) {
  const double big = 2e19;
  Case c = CoreCase(1, 2, 2);
  c[TensorId::kQuery]->Set(0, big);
  c[TensorId::kKey]->Set(0, big);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kOverflow);
  // Scores cancel, and still some order overflows.
  c[TensorId::kQuery]->Set(1, big);
  c[TensorId::kKey]->Set(1, -big);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kOverflow);
  Case values = CoreCase(1, 2, 1);
  values[TensorId::kValue]->Set(0, 3e38);
  EXPECT_EQ(ComputeReference(values, {}).row(0, 0, 0), RowState::kOverflow);
  Case projected;
  projected.want_present = true;
  projected[TensorId::kInput] = Tensor(ElementType::kFloat32, {1, 1, 1});
  projected[TensorId::kWeights] = Tensor(ElementType::kFloat32, {1, 3});
  projected[TensorId::kInput]->Set(0, 1e20);
  projected[TensorId::kWeights]->Set(1, 1e20);
  const Reference r = ComputeReference(projected, {});
  EXPECT_EQ(r.row(0, 0, 0), RowState::kOverflow);
  EXPECT_TRUE(std::isnan(r.present[0]));
  EXPECT_EQ(r.present[1], 0.0);
}

// The lowest float in the bias, as frameworks mask with it: it may become -inf, and weighs nothing
// beside a key that it leaves alone.
TEST(RowStates, ALowestBiasSinks) {
  constexpr double kLowest = std::numeric_limits<float>::lowest();
  Case c = CoreCase(1, 3, 2);
  for (int64_t i = 0; i < 6; ++i) c[TensorId::kValue]->Set(i, static_cast<double>(i + 1));
  c[TensorId::kAttentionBias] = Tensor(ElementType::kFloat32, {1, 1, 1, 3});
  c[TensorId::kAttentionBias]->Set(0, kLowest);
  c[TensorId::kAttentionBias]->Set(2, kLowest);
  const Reference beside = ComputeReference(c, {});
  ASSERT_EQ(beside.row(0, 0, 0), RowState::kBounded);
  EXPECT_EQ(beside.output[0], 3.0);
  EXPECT_EQ(beside.output[1], 4.0);
  EXPECT_LT(beside.bound[0], 1e-5);
  // The same beside a score that is itself too low to tell it from one that sinks,
  c[TensorId::kAttentionBias]->Set(1, kLowest / 5);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kOverflow);
  // or that sinks as well,
  c[TensorId::kAttentionBias]->Set(1, kLowest);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kOverflow);
  // or where the products are large enough to cancel the bias.
  c[TensorId::kAttentionBias]->Set(1, 0.0);
  c[TensorId::kQuery]->Set(0, 1e19);
  c[TensorId::kKey]->Set(0, 1e18);
  EXPECT_EQ(ComputeReference(c, {}).row(0, 0, 0), RowState::kOverflow);
}

TEST(Vacuous, MeansThatZerosWouldPass) {
  EXPECT_FALSE(Vacuous(0.0, 0.0));
  EXPECT_FALSE(Vacuous(0.1, 1.0));
  EXPECT_TRUE(Vacuous(1.0, 1.0));
  EXPECT_TRUE(Vacuous(kInfinity, 1.0));
}

TEST(WithinBound, NaNFails) {
  EXPECT_TRUE(Within(1.0, 1.0, 0.0));
  EXPECT_FALSE(Within(kNaN, 1.0, 1.0));
  EXPECT_FALSE(Within(1.0, 1.0, kNaN));
  EXPECT_FALSE(Within(kInfinity, 1.0, 1e300));
}

// ---- exactness
// ------------------------------------------------------------------------------------

// What the projection's bound is, read off present.
double LargestPresentBound(const Case& c, const OracleOptions& options = {}) {
  const Reference r = ComputeReference(c, options);
  double largest = 0.0;
  for (const double bound : r.present_bound) largest = std::max(largest, bound);
  return largest;
}

Case Projection(int64_t width) {
  Case c;
  c.want_present = true;
  c[TensorId::kInput] = Tensor(ElementType::kFloat32, {1, 3, width});
  c[TensorId::kWeights] = Tensor(ElementType::kFloat32, {width, 6});
  return c;
}

TEST(Exactness, IdentityWeightsCopy) {
  Rng rng(9);
  Case c = Projection(6);
  c[TensorId::kInput] = DrawTensor(rng, Data::kMixedScales, {1, 3, 6});
  for (int64_t i = 0; i < 6; ++i) c[TensorId::kWeights]->Set(i * 6 + i, 1.0);
  EXPECT_EQ(LargestPresentBound(c), 0.0);
  const Reference r = ComputeReference(c, {});
  EXPECT_EQ(r.present[0], c[TensorId::kInput]->Get(2));
  // A weight that is no power of two rounds.
  c[TensorId::kWeights]->Set(2 * 6 + 2, 1.1);
  EXPECT_GT(LargestPresentBound(c), 0.0);
}

TEST(Exactness, IntegersUpTo24BitsAreExact) {
  Case c = Projection(4);
  for (int64_t i = 0; i < c[TensorId::kInput]->size(); ++i) c[TensorId::kInput]->Set(i, 2047.0);
  for (int64_t i = 0; i < c[TensorId::kWeights]->size(); ++i) c[TensorId::kWeights]->Set(i, 2047.0);
  EXPECT_EQ(LargestPresentBound(c), 0.0);  // 4 * 2047^2 < 2^24
  c[TensorId::kBias] = Tensor(ElementType::kFloat32, {6});
  for (int64_t i = 0; i < 6; ++i) c[TensorId::kBias]->Set(i, 0.5);
  EXPECT_GT(LargestPresentBound(c), 0.0);  // half an integer: one bit too many
  for (int64_t i = 0; i < 6; ++i) c[TensorId::kBias]->Set(i, 8192.0);
  EXPECT_EQ(LargestPresentBound(c), 0.0);
  for (int64_t i = 0; i < 6; ++i) c[TensorId::kBias]->Set(i, 1 << 23);
  EXPECT_GT(LargestPresentBound(c), 0.0);  // beyond 2^24
}

TEST(Exactness, FlushedDenormalsAreNot) {
  Case c = Projection(1);
  c[TensorId::kInput]->Set(0, 0x1p-130);
  for (int64_t i = 0; i < 6; ++i) c[TensorId::kWeights]->Set(i, 1.0);
  OracleOptions options;
  options.profile.flush_to_zero = true;
  EXPECT_GE(LargestPresentBound(c, options), 0x1p-130);
  options.profile.flush_to_zero = false;
  EXPECT_EQ(LargestPresentBound(c, options), 0.0);
  // The operand is lost, however large its product is.
  for (int64_t i = 0; i < 6; ++i) c[TensorId::kWeights]->Set(i, 0x1p60);
  EXPECT_EQ(LargestPresentBound(c, options), 0.0);
  options.profile.flush_to_zero = true;
  EXPECT_GE(LargestPresentBound(c, options), 0x1p-70);
}

Case Quantized(double input_scale, double weight_scale, double bias) {
  Case c;
  c.op = Op::kQAttention;
  c.want_present = true;
  c[TensorId::kInput] = Tensor(ElementType::kUint8, {1, 1, 3});
  c[TensorId::kWeights] = Tensor(ElementType::kInt8, {3, 3});
  c[TensorId::kBias] = Tensor(ElementType::kFloat32, {3});
  c[TensorId::kInputScale] = Tensor(ElementType::kFloat32, {});
  c[TensorId::kWeightScale] = Tensor(ElementType::kFloat32, {1});
  for (int64_t i = 0; i < 3; ++i) {
    c[TensorId::kInput]->Set(i, static_cast<double>(250 + i));
    c[TensorId::kBias]->Set(i, bias);
  }
  for (int64_t i = 0; i < 9; ++i) c[TensorId::kWeights]->Set(i, static_cast<double>(i - 128));
  c[TensorId::kInputScale]->Set(0, input_scale);
  c[TensorId::kWeightScale]->Set(0, weight_scale);
  return c;
}

TEST(Exactness, QuantizedWithPowersOfTwo) {
  EXPECT_EQ(LargestPresentBound(Quantized(0.25, 0x1p-9, 0.0)), 0.0);
  EXPECT_EQ(LargestPresentBound(Quantized(0.25, -0x1p-9, 3.0)), 0.0);
  EXPECT_EQ(LargestPresentBound(Quantized(0.0, 0.3, 1.7)), 0.0);  // the bias alone
  EXPECT_GT(LargestPresentBound(Quantized(0.25, 0x1.8p-9, 0.0)), 0.0);
  EXPECT_GT(LargestPresentBound(Quantized(0.25, 0x1p-9, 1.0 / 3.0)), 0.0);
  const Reference r = ComputeReference(Quantized(0.25, 0x1p-9, 0.0), {});
  // 250 * -127 + 251 * -124 + 252 * -121
  EXPECT_EQ(r.present[0], -93366.0 * 0x1p-11);
}

TEST(Exactness, ZeroPointsAndColumns) {
  Case c = Quantized(1.0, 1.0, 0.0);
  c[TensorId::kInputZeroPoint] = Tensor(ElementType::kUint8, {1});
  c[TensorId::kInputZeroPoint]->Set(0, 250.0);
  c[TensorId::kWeightZeroPoint] = Tensor(ElementType::kInt8, {3});
  c[TensorId::kWeightZeroPoint]->Set(1, -127.0);
  c[TensorId::kWeightScale] = Tensor(ElementType::kFloat32, {3});
  c[TensorId::kWeightScale]->Set(1, 2.0);
  c[TensorId::kWeightScale]->Set(2, 4.0);
  const Reference r = ComputeReference(c, {});
  EXPECT_EQ(r.present[0], (1.0 * (-124.0 + 127.0) + 2.0 * (-121.0 + 127.0)) * 2.0);
  EXPECT_EQ(r.present[1], (1.0 * -123.0 + 2.0 * -120.0) * 4.0);
}

TEST(Exactness, IntegerScoresSharpenLargeTies) {
  // Two keys, the same product by different integers, scores of 2^20: any rounding of the product
  // would make the weights unknown.
  Case c = CoreCase(1, 2, 4);
  c.attributes.scale = 1.0F;
  for (int64_t i = 0; i < 4; ++i) c[TensorId::kQuery]->Set(i, 512.0);
  const double keys[] = {1000.0, 24.0, 900.0, 124.0, 500.0, 524.0, 1024.0, 0.0};
  for (int64_t i = 0; i < 8; ++i) c[TensorId::kKey]->Set(i, keys[i]);
  for (int64_t i = 0; i < 4; ++i) c[TensorId::kValue]->Set(4 + i, 1.0);
  OracleOptions options;
  options.profile = Declared();
  const Reference exact = ComputeReference(c, options);
  EXPECT_EQ(exact.output[0], 0.5);
  EXPECT_LT(exact.bound[0], 1e-4);
  options.profile.product_first = false;  // scale 1 does not round wherever it is applied
  EXPECT_LT(ComputeReference(c, options).bound[0], 1e-4);
  c[TensorId::kQuery]->Set(0, 512.0 + 0x1p-13);
  EXPECT_GT(ComputeReference(c, options).bound[0], 0.05);
}

TEST(Exactness, ScaleOnBothSidesRoundsUnlessItIsAPowerOfFour) {
  Case c = CoreCase(1, 2, 4);
  for (int64_t i = 0; i < 4; ++i) c[TensorId::kQuery]->Set(i, 512.0);
  for (int64_t i = 0; i < 8; ++i) c[TensorId::kKey]->Set(i, i % 2 == 0 ? 1000.0 : 24.0);
  for (int64_t i = 0; i < 4; ++i) c[TensorId::kValue]->Set(4 + i, 1.0);
  OracleOptions options;
  options.profile = Declared();
  options.profile.product_first = false;
  c.attributes.scale = 0.25F;
  EXPECT_LT(ComputeReference(c, options).bound[0], 1e-4);
  c.attributes.scale = 0.5F;
  EXPECT_GT(ComputeReference(c, options).bound[0], 1e-2);
  options.profile.product_first = true;
  EXPECT_LT(ComputeReference(c, options).bound[0], 1e-4);
}

// ---- soundness
// ------------------------------------------------------------------------------------

class Soundness : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Soundness, NoCorrectImplementationIsOutsideOfTheBound) {
  const auto data = static_cast<Data>(GetParam());
  Rng rng(MixSeeds(17, GetParam()));
  int64_t judged = 0;
  for (int i = 0; i < 1500; ++i) {
    const auto op = static_cast<Op>(rng.Below(kOpCount));
    const Case c = DrawCase(rng, op, data);
    const ValidityVerdict validity = JudgeValidity(c);
    ASSERT_EQ(validity.validity, Validity::kValid) << validity.reason;
    const Reference r = ComputeReference(c, {});
    for (int k = 0; k < 4; ++k) {
      const EvaluationStyle style = EvaluationStyle::Random(rng);
      std::vector<float> present;
      const std::vector<float> got = Evaluate(c, style, &present);
      ASSERT_EQ(Violations(c, r, got), 0) << OpName(op) << ", case " << i << ", style " << k;
      ForEachJudged(c, r, [&judged](size_t) { ++judged; });
      for (size_t j = 0; j < r.present.size(); ++j) {
        if (std::isnan(r.present[j])) continue;
        ASSERT_TRUE(Within(static_cast<double>(present[j]), r.present[j], r.present_bound[j]));
      }
    }
  }
  EXPECT_GT(judged, 50'000);
}

// What a subject declares about its order makes the bound sharper, and still sound for that order.
TEST_P(Soundness, DeclaredProfilesHold) {
  const auto data = static_cast<Data>(GetParam());
  Rng rng(MixSeeds(18, GetParam()));
  OracleOptions options;
  options.profile = Declared();
  options.profile.sum_lanes = 8;
  options.profile.online_block = 0;
  options.profile.flush_to_zero = false;
  for (int i = 0; i < 1500; ++i) {
    const Case c = DrawCase(rng, static_cast<Op>(rng.Below(kOpCount)), data);
    const Reference r = ComputeReference(c, options);
    const Reference wide = ComputeReference(c, {});
    // Where one of the two is linear and the other the interval, they differ by up to a half.
    for (size_t j = 0; j < r.bound.size(); ++j) ASSERT_LE(r.bound[j], wide.bound[j] * 1.5);
    EvaluationStyle style = EvaluationStyle::Random(rng);
    style.order = SumOrder::kLanes8;
    style.scale = ScaleUse::kOnScore;
    style.preload_bias = false;
    style.online_block = 0;
    style.flush = false;
    style.exponential = rng.OneIn(2) ? Exponential::kNatural : Exponential::kSloppy;
    ASSERT_EQ(Violations(c, r, Evaluate(c, style)), 0) << "case " << i;
  }
}

// Products from parts, in sums deep and wide enough for several steps of a unit for matrices.
TEST_P(Soundness, ProductsFromPartsHold) {
  const auto data = static_cast<Data>(GetParam());
  Rng rng(MixSeeds(20, GetParam()));
  OracleOptions options;
  options.profile.natural_exp = true;
  options.profile.sum_lanes = 1;
  options.profile.online_block = 512;
  options.profile.split_products = true;
  for (int i = 0; i < 400; ++i) {
    const Case c = DrawCase(rng, static_cast<Op>(rng.Below(kOpCount)), data, 150);
    const Reference r = ComputeReference(c, options);
    EvaluationStyle style = EvaluationStyle::Random(rng);
    style.order = SumOrder::kParts;
    style.scale = ScaleUse::kOnScore;
    style.preload_bias = rng.OneIn(2);
    style.online_block = 512;
    style.flush = true;
    style.exponential = rng.OneIn(2) ? Exponential::kNatural : Exponential::kSloppy;
    ASSERT_EQ(Violations(c, r, Evaluate(c, style)), 0) << "case " << i;
  }
}

// Operations that round to either neighbour: all one way, at random, or against the result.
TEST_P(Soundness, AnyRoundingStaysWithinItsBound) {
  const auto data = static_cast<Data>(GetParam());
  Rng rng(MixSeeds(19, GetParam()));
  OracleOptions options;
  options.profile.any_rounding = true;
  int64_t beyond_nearest = 0;
  for (int i = 0; i < 1500; ++i) {
    const Case c = DrawCase(rng, static_cast<Op>(rng.Below(kOpCount)), data);
    const Reference r = ComputeReference(c, options);
    const Reference nearest = ComputeReference(c, {});
    for (int k = 0; k < 4; ++k) {
      EvaluationStyle style = EvaluationStyle::Random(rng);
      style.rounding = static_cast<OperationRounding>(1 + rng.Below(6));
      const std::vector<float> got = Evaluate(c, style);
      ASSERT_EQ(Violations(c, r, got), 0) << "case " << i << ", style " << k;
      beyond_nearest += Violations(c, nearest, got);
    }
  }
  // These evaluations are not all within what rounding to nearest allows.
  EXPECT_GT(beyond_nearest, 0);
}

// One addition shows the difference: a bound for rounding to nearest does not cover a truncation.
TEST(AnyRounding, IsWiderThanNearest) {
  Case c = CoreCase(1, 1, 1);
  c.op = Op::kAttention;
  c.tensors = {};
  c[TensorId::kInput] = Tensor(ElementType::kFloat32, {1, 1, 1});
  c[TensorId::kWeights] = Tensor(ElementType::kFloat32, {1, 3});
  c[TensorId::kBias] = Tensor(ElementType::kFloat32, {3});
  c[TensorId::kInput]->Set(0, 1.0);
  c[TensorId::kWeights]->Set(2, 1.0);
  c[TensorId::kBias]->Set(2, 0x1.FFFFFEp-25);
  const Reference nearest = ComputeReference(c, {});
  OracleOptions options;
  options.profile.any_rounding = true;
  const Reference any = ComputeReference(c, options);
  EXPECT_GT(any.bound[0], 1.5 * nearest.bound[0]);
  EXPECT_LT(any.bound[0], 2.5 * nearest.bound[0]);
}

std::string DataName(const ::testing::TestParamInfo<uint64_t>& info) {
  constexpr const char* kNames[] = {"Normal",    "MixedScales", "LargeScores", "Ties",
                                    "Denormals", "Integers",    "Huge"};
  return kNames[info.param];
}

INSTANTIATE_TEST_SUITE_P(OnData, Soundness, ::testing::Range(uint64_t{0}, testing::kDataCount),
                         DataName);

// ---- the budget
// ---------------------------------------------------------------------------------------

Reference WithBudget(const Case& c, const NumericsProfile& profile = {}) {
  OracleOptions options;
  options.profile = profile;
  options.want_budget = true;
  return ComputeReference(c, options);
}

TEST(Budget, PartsAddUpToTheBoundAndLeaveItAsItIs) {
  Rng rng(41);
  int64_t elements = 0;
  int64_t projected = 0;  // with values that are not exact
  for (int i = 0; i < 300; ++i) {
    const Op op = std::array{Op::kAttention, Op::kQAttention, Op::kCore}[rng.Below(3)];
    const Case c = DrawCase(rng, op, Data::kNormal);
    const Reference r = WithBudget(c);
    EXPECT_EQ(r.bound, ComputeReference(c, {}).bound);
    ASSERT_EQ(r.budget.size(), r.bound.size());
    ForEachJudged(c, r, [&](size_t at) {
      const ErrorBudget& of = r.budget[at];
      // Adding five parts up, and taking them away from the bound before, rounds nine times.
      EXPECT_NEAR(of.total(), r.bound[at], 9.0 * 0x1p-53 * r.bound[at]);
      for (const double part : {of.values, of.scores, of.exp, of.sums, of.underflow}) {
        EXPECT_GE(part, 0.0);
      }
      if (op == Op::kCore) {
        EXPECT_EQ(of.values, 0.0);
      }
      projected += of.values > 0.0 ? 1 : 0;
      ++elements;
    });
  }
  EXPECT_GT(elements, 1000);
  EXPECT_GT(projected, elements / 4);
}

// Changes what one stage is allowed, and sees that part of the budget change and the others stay.
// All keys are the same, so that they share one lambda, l, of which exp and scores have their
// parts: each is that part of l times (1 + l) / (1 - l), and that factor alone depends on the other
// stage.
TEST(Budget, EachPartIsItsStages) {
  Rng rng(42);
  Case c = CoreCase(1, 40, 16);
  for (const TensorId t : {TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    c[t] = DrawTensor(rng, Data::kNormal, c[t]->dims);
  }
  for (int64_t i = 16; i < c[TensorId::kKey]->size(); ++i) {
    c[TensorId::kKey]->Set(i, c[TensorId::kKey]->Get(i % 16));
  }
  constexpr double kMostLambda = 1e-5;
  constexpr double kOfOthers = 3.0 * kMostLambda;
  const NumericsProfile usual = Declared();
  const ErrorBudget before = WithBudget(c, usual).budget[0];

  NumericsProfile exact_exp = usual;
  exact_exp.exp_ulp = 0.0;
  const ErrorBudget without_exp = WithBudget(c, exact_exp).budget[0];
  EXPECT_GT(before.exp, 0.0);
  EXPECT_EQ(without_exp.exp, 0.0);
  EXPECT_NEAR(without_exp.scores, before.scores, kOfOthers * before.scores);

  NumericsProfile in_lanes = usual;  // shorter chains in dot products and sums
  in_lanes.sum_lanes = 8;
  const ErrorBudget with_lanes = WithBudget(c, in_lanes).budget[0];
  EXPECT_LT(with_lanes.scores, before.scores);
  EXPECT_LT(with_lanes.sums, before.sums);
  EXPECT_NEAR(with_lanes.exp, before.exp, kOfOthers * before.exp);

  // One key: no weight can be wrong.
  Case single = CoreCase(1, 1, 16);
  for (const TensorId t : {TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    single[t] = DrawTensor(rng, Data::kNormal, single[t]->dims);
  }
  const ErrorBudget one = WithBudget(single, usual).budget[0];
  EXPECT_EQ(one.scores, 0.0);
  EXPECT_EQ(one.exp, 0.0);
  EXPECT_GT(one.sums, 0.0);
}

TEST(Budget, IsEmptyUnlessAskedForAndUnderADialect) {
  Rng rng(43);
  const Case c = DrawCase(rng, Op::kAttention, Data::kNormal);
  EXPECT_TRUE(ComputeReference(c, {}).budget.empty());
  OracleOptions options;
  options.want_budget = true;
  options.dialect = DialectId::kOnnxRuntime16;
  EXPECT_TRUE(ComputeReference(c, options).budget.empty());
}

// ---- sharpness
// ------------------------------------------------------------------------------------

// A fault made in the data: the faulty case's correct output, held against the true case's bound.
struct Score {
  int caught = 0;
  int tried = 0;
};

template <typename Spoil>
Score Catches(uint64_t seed, Op op, Spoil spoil) {
  Rng rng(seed);
  Score score;
  while (score.tried < 300) {
    const Case c = DrawCase(rng, op, Data::kNormal);
    Case spoiled = c;
    OracleOptions options;
    options.want_weights = true;
    const Reference r = ComputeReference(c, options);
    if (!spoil(rng, r, spoiled)) continue;
    ++score.tried;
    const std::vector<float> got = Evaluate(spoiled, EvaluationStyle::Random(rng));
    score.caught += Violations(c, r, got) > 0 ? 1 : 0;
  }
  return score;
}

// Of the first row; 1 if it sees no key.
double LargestWeight(const Reference& r) {
  if (r.row(0, 0, 0) != RowState::kBounded) return 1.0;
  double largest = 0.0;
  for (int64_t t = 0; t < r.geometry.total; ++t) {
    largest = std::max(largest, r.weights[static_cast<size_t>(t)]);
  }
  return largest;
}

TEST(Sharpness, OneValueOffByAThousandth) {
  const Score score = Catches(31, Op::kCore, [](Rng& rng, const Reference& r, Case& c) {
    const Geometry& g = r.geometry;
    const auto t = static_cast<int64_t>(rng.Below(static_cast<uint64_t>(g.total)));
    if (r.weights[static_cast<size_t>(t)] < 1e-2) return false;
    Tensor& value = *c[TensorId::kValue];
    value.Set(t * g.value_head_size, value.Get(t * g.value_head_size) * 1.001);
    return true;
  });
  EXPECT_GE(score.caught, score.tried * 95 / 100);
}

TEST(Sharpness, OneQueryLaneOffByAThousandth) {
  const Score score = Catches(32, Op::kCore, [](Rng&, const Reference& r, Case& c) {
    // In a row that sees one key, or from a tiny lane, the fault changes nothing.
    Tensor& query = *c[TensorId::kQuery];
    if (LargestWeight(r) > 0.9 || std::abs(query.Get(0)) < 0.1) return false;
    query.Set(0, query.Get(0) * 1.001);
    return true;
  });
  EXPECT_GE(score.caught, score.tried * 85 / 100);
}

TEST(Sharpness, AVisibleKeyDropped) {
  const Score score = Catches(33, Op::kCore, [](Rng& rng, const Reference& r, Case& c) {
    const Geometry& g = r.geometry;
    const auto t = static_cast<int64_t>(rng.Below(static_cast<uint64_t>(g.total)));
    const double weight = r.weights[static_cast<size_t>(t)];
    if (r.row(0, 0, 0) != RowState::kBounded || weight < 1e-3 || weight > 0.999) return false;
    if (c.has(TensorId::kAttentionBias)) return false;
    Tensor bias(ElementType::kFloat32, {g.batch, g.heads, g.sequence, g.total});
    bias.Set(t, -kInfinity);
    c[TensorId::kAttentionBias] = bias;
    return true;
  });
  EXPECT_EQ(score.caught, score.tried);
}

TEST(Sharpness, AWrongScale) {
  for (const Op op : {Op::kCore, Op::kAttention, Op::kQAttention}) {
    const Score score = Catches(34, op, [](Rng&, const Reference& r, Case& c) {
      const Geometry& g = r.geometry;
      if (c.attributes.scale || LargestWeight(r) > 0.9) return false;
      const double off = static_cast<double>(g.head_size) + 1.0;
      c.attributes.scale = static_cast<float>(1.0 / std::sqrt(off));
      return true;
    });
    // Behind a projection the scores are less certain.
    EXPECT_GE(score.caught, score.tried * (op == Op::kCore ? 99 : 90) / 100) << OpName(op);
  }
}

TEST(Sharpness, TheBoundStaysWithinTheHull) {
  // Scores so large that nothing is known of the weights: garbage outside of the values still
  // fails.
  Rng rng(35);
  Case c = CoreCase(4, 8, 16);
  c[TensorId::kQuery] = DrawTensor(rng, Data::kNormal, c[TensorId::kQuery]->dims);
  c[TensorId::kKey] = DrawTensor(rng, Data::kNormal, c[TensorId::kKey]->dims);
  c[TensorId::kValue] = DrawTensor(rng, Data::kNormal, c[TensorId::kValue]->dims);
  c.attributes.scale = 1e8F;
  const Reference r = ComputeReference(c, {});
  for (int64_t s = 0; s < 4; ++s) {
    for (int64_t column = 0; column < 16; ++column) {
      double low = kInfinity;
      double high = -kInfinity;
      for (int64_t t = 0; t < 8; ++t) {
        low = std::min(low, c[TensorId::kValue]->Get(t * 16 + column));
        high = std::max(high, c[TensorId::kValue]->Get(t * 16 + column));
      }
      const auto i = static_cast<size_t>(s * 16 + column);
      EXPECT_LE(r.bound[i], (high - low) * 1.001 + 1e-4);
    }
  }
}

}  // namespace
}  // namespace maskproof
