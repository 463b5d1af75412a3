// query | key | value = input * weights + bias in float32 (oracle.md (6) to (9)).
#include <Eigen/Core>
#include <cmath>

#include "properties/case/tensor_of.h"
#include "properties/oracle/exactness.h"
#include "properties/oracle/operands.h"

namespace maskproof::oracle {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatMap =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

Matrix ToMatrix(const Tensor& tensor, int64_t rows, int64_t columns) {
  return FloatMap(tensor.as<float>().data(), rows, columns).cast<double>();
}

class FloatProjection {
 public:
  FloatProjection(const Case& c, const Geometry& g, const Rounding& rounding)
      : rounding_(rounding),
        rows_(g.batch * g.sequence),
        width_(g.input_width),
        columns_(2 * g.hidden() + g.value_hidden()),
        x_(ToMatrix(TensorOf(c, TensorId::kInput), rows_, width_)),
        w_(ToMatrix(TensorOf(c, TensorId::kWeights), width_, columns_)) {
    if (c.has(TensorId::kBias)) bias_ = TensorOf(c, TensorId::kBias).as<float>();
    product_.noalias() = x_ * w_;
    magnitude_.noalias() = x_.cwiseAbs() * w_.cwiseAbs();
    CountRoundings();
    FindFlushed();
  }

  // Value and error of one element; the condition that it puts its row into.
  Condition Element(int64_t row, int64_t column, double& value, double& error) {
    const double bias = bias_.empty() ? 0.0 : static_cast<double>(bias_[Index(column)]);
    const double sum = magnitude_(row, column) + std::abs(bias);
    value = product_(row, column) + bias;
    error = 0.0;
    // A sum of magnitudes that is not finite has an operand that is not finite.
    if (!std::isfinite(sum)) return Condition::kNonFinite;
    if (sum > kOverflowLimit) return Condition::kOverflow;
    if (Exact(row, column, sum, bias)) return Condition::kGood;

    error = gamma_[Index(column)] * sum + underflow_[Index(column)];
    if (flushed_.size() > 0) error += flushed_(row, column);
    error += rounding_.FlushedOperand(bias);
    return Condition::kGood;
  }

 private:
  static size_t Index(int64_t i) { return static_cast<size_t>(i); }

  // oracle.md (6). Products with a zero weight are exact and add nothing: they do not count as
  // terms.
  void CountRoundings() {
    std::vector<int64_t> terms(Index(columns_), 0);
    for (int64_t l = 0; l < width_; ++l) {
      for (int64_t c = 0; c < columns_; ++c) terms[Index(c)] += w_(l, c) != 0.0 ? 1 : 0;
    }
    gamma_.reserve(terms.size());
    underflow_.reserve(terms.size());
    for (size_t c = 0; c < terms.size(); ++c) {
      const bool has_bias = !bias_.empty() && bias_[c] != 0.0F;
      gamma_.push_back(rounding_.Gamma(rounding_.ProjectionDepth(terms[c], width_, has_bias)));
      const double products = static_cast<double>(terms[c]) * rounding_.ProductsOfProduct();
      underflow_.push_back(2.02 * (products + 1.0) * rounding_.Underflow());
    }
  }

  // oracle.md (5): products with a denormal operand may vanish as a whole.
  void FindFlushed() {
    const auto denormal_part = [this](double x) { return rounding_.FlushedOperand(x); };
    const Matrix x_part = x_.unaryExpr(denormal_part);
    const Matrix w_part = w_.unaryExpr(denormal_part);
    if ((x_part.array() == 0.0).all() && (w_part.array() == 0.0).all()) return;
    flushed_.noalias() = x_part * w_.cwiseAbs() + x_.cwiseAbs() * w_part;
  }

  bool Exact(int64_t row, int64_t column, double sum, double bias) {
    if (sum == 0.0) return true;
    const double room = rounding_.RoomOfSplitProduct();
    // A product of normal size may still have a denormal operand, and vanish with it.
    if (flushed_.size() > 0 && flushed_(row, column) > 0.0) return false;
    // The first product that is not zero rules almost all other data out.
    for (int64_t l = 0; l < width_; ++l) {
      const double x = x_(row, l);
      const double w = w_(l, column);
      if (x == 0.0 || w == 0.0) continue;
      if (!SumIsExact(room * sum, LowestBit(x) + LowestBit(w), 0.0)) return false;
      break;
    }
    if (x_bits_.empty()) {
      LowestBits({x_.data(), static_cast<size_t>(x_.size())}, x_bits_);
      const Matrix w_columns = w_.transpose();
      LowestBits({w_columns.data(), static_cast<size_t>(w_columns.size())}, w_bits_);
    }
    const int32_t bit = LowestProductBit(x_bits_.data() + row * width_,
                                         w_bits_.data() + column * width_, width_, LowestBit(bias));
    return SumIsExact(room * sum, bit, rounding_.SmallestKept());
  }

  Rounding rounding_;
  int64_t rows_;
  int64_t width_;
  int64_t columns_;
  Matrix x_;
  Matrix w_;
  std::span<const float> bias_;
  Matrix product_;
  Matrix magnitude_;
  Matrix flushed_;             // empty if nothing can be flushed
  std::vector<double> gamma_;  // by column
  std::vector<double> underflow_;
  BitExponents x_bits_;
  BitExponents w_bits_;  // by columns
};

}  // namespace

void ProjectFloat(const Case& c, const Geometry& g, const Rounding& rounding, Operands& operands) {
  FloatProjection projection(c, g, rounding);
  const int64_t columns = 2 * g.hidden() + g.value_hidden();
  for (int64_t column = 0; column < columns; ++column) {
    const Destination to = DestinationOf(column, g, operands);
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const int64_t row = to.operand->Row(b, to.head, to.first_row + s);
        const auto cell = static_cast<size_t>(row * to.operand->columns + to.lane);
        to.operand->Worsen(row,
                           projection.Element(b * g.sequence + s, column, to.operand->value[cell],
                                              to.operand->error[cell]));
      }
    }
  }
}

}  // namespace maskproof::oracle
