// query | key | value = (input - zx) (weights - zw) * (sx sw) + bias: the sum of products is an
// exact integer, only the dequantisation rounds (oracle.md (10), (11)).
#include <Eigen/Core>
#include <cmath>

#include "properties/case/tensor_of.h"
#include "properties/oracle/operands.h"

namespace maskproof::oracle {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Integers below 2^24 are float32 numbers, whatever their lowest bit.
constexpr double kFloatIntegers = 0x1p24;

bool IsFloat(double x) { return static_cast<double>(static_cast<float>(x)) == x; }

// Element `column` of a per-column tensor, the only one of a per-tensor one, 0 if absent.
double PerColumn(const std::optional<Tensor>& tensor, int64_t column) {
  if (!tensor) return 0.0;
  return tensor->Get(tensor->size() == 1 ? 0 : column);
}

// The 8-bit values less their zero points. The differences have 9 bits and the sums of their
// products are far below 2^53, so the matrix product of doubles is exact.
Matrix Shifted(const Tensor& tensor, const std::optional<Tensor>& zero_point, int64_t rows,
               int64_t columns) {
  Matrix m(rows, columns);
  for (int64_t c = 0; c < columns; ++c) {
    const double zero = PerColumn(zero_point, c);
    for (int64_t r = 0; r < rows; ++r) m(r, c) = tensor.Get(r * columns + c) - zero;
  }
  return m;
}

class Dequantizer {
 public:
  Dequantizer(double input_scale, double weight_scale, const Rounding& rounding)
      : rounding_(rounding), scale_(input_scale * weight_scale) {
    const double magnitude = std::abs(scale_);
    finite_ = std::isfinite(magnitude);
    // A scale or a product of scales below the normal range may be rounded coarsely or lost.
    const bool flushed =
        rounding_.FlushedOperand(input_scale) > 0.0 || rounding_.FlushedOperand(weight_scale) > 0.0;
    power_of_two_ = IsPowerOfTwo(magnitude) && magnitude >= rounding_.SmallestKept() && !flushed;
    if (magnitude > 0.0 && !power_of_two_ && (flushed || magnitude < kSmallestNormal)) {
      scale_error_ = rounding_.profile().flush_to_zero ? magnitude : 0x1p-149;
    }
  }

  Condition Apply(double accumulator, double bias, double& value, double& error) const {
    const double product = accumulator * scale_;
    value = product + bias;
    error = 0.0;
    if (!finite_ || !std::isfinite(bias)) return Condition::kNonFinite;
    const double sum = std::abs(product) + std::abs(bias);
    if (sum > kOverflowLimit || std::abs(scale_) > kOverflowLimit) return Condition::kOverflow;

    error += rounding_.FlushedOperand(bias);
    if (product != 0.0) error += ProductError(accumulator, product);
    // Adding zero is exact, and so is a sum of exact terms that is a float32 number.
    const bool exact_sum =
        product == 0.0 || bias == 0.0 || (error == 0.0 && SumIsKept(product, bias));
    if (!exact_sum) error += rounding_.Unit() * (std::abs(value) + error) + rounding_.Underflow();
    return Condition::kGood;
  }

 private:
  // Whether the sum of two float32 numbers is one, and not one that is flushed.
  bool SumIsKept(double a, double b) const {
    const double sum = a + b;
    const bool kept = sum == 0.0 || std::abs(sum) >= rounding_.SmallestKept();
    return kept && sum - a == b && sum - b == a && IsFloat(sum);
  }

  double ProductError(double accumulator, double product) const {
    const bool exact_integer = std::abs(accumulator) < kFloatIntegers || IsFloat(accumulator);
    if (exact_integer && power_of_two_ && std::abs(product) >= rounding_.SmallestKept()) return 0.0;
    // Scales multiplied, result multiplied, and the integer rounded if it is too long.
    const double roundings = (power_of_two_ ? 0.0 : 2.0) + (exact_integer ? 0.0 : 1.0);
    return rounding_.Gamma(roundings) * std::abs(product) +
           scale_error_ * std::abs(accumulator) * 1.01 + rounding_.Underflow();
  }

  Rounding rounding_;
  double scale_;
  double scale_error_ = 0.0;
  bool finite_ = true;
  bool power_of_two_ = false;
};

}  // namespace

void ProjectQuantized(const Case& c, const Geometry& g, const Rounding& rounding,
                      Operands& operands) {
  const int64_t rows = g.batch * g.sequence;
  const int64_t columns = 3 * g.hidden();
  // The input's zero point is one number, the same for every column.
  const Matrix x =
      Shifted(TensorOf(c, TensorId::kInput), c[TensorId::kInputZeroPoint], rows, g.input_width);
  const Matrix w = Shifted(TensorOf(c, TensorId::kWeights), c[TensorId::kWeightZeroPoint],
                           g.input_width, columns);
  Matrix accumulator(rows, columns);
  accumulator.noalias() = x * w;

  const double input_scale = PerColumn(c[TensorId::kInputScale], 0);
  const auto bias = TensorOf(c, TensorId::kBias).as<float>();
  for (int64_t column = 0; column < columns; ++column) {
    const Destination to = DestinationOf(column, g, operands);
    const Dequantizer dequantizer(input_scale, PerColumn(c[TensorId::kWeightScale], column),
                                  rounding);
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const int64_t row = to.operand->Row(b, to.head, to.first_row + s);
        const auto cell = static_cast<size_t>(row * to.operand->columns + to.lane);
        to.operand->Worsen(row,
                           dequantizer.Apply(accumulator(b * g.sequence + s, column),
                                             static_cast<double>(bias[static_cast<size_t>(column)]),
                                             to.operand->value[cell], to.operand->error[cell]));
      }
    }
  }
}

}  // namespace maskproof::oracle
