#include "properties/oracle/dialect.h"

#include <array>
#include <cstddef>

namespace maskproof {
namespace {

using Padded = Dialect::Padded;
using Future = Dialect::Future;
using EmptyRow = Dialect::EmptyRow;

constexpr auto kDialects = std::to_array<Dialect>({
    {.id = DialectId::kIdeal,
     .name = "ideal",
     .meaning = "masked keys take no part; a row without keys follows the declared policy",
     .source = "docs/operators.md; ONNX Runtime issue 14363 asks for it",
     .padded = Padded::kExcluded,
     .future = Future::kExcluded,
     .fill_is_attribute = false,
     .empty_row = EmptyRow::kAsPromised},
    {.id = DialectId::kZeroRows,
     .name = "zero-rows",
     .meaning = "masked keys take no part; a row without keys is zero",
     .source = "ONNX Attention-23 and -24 since their errata (pull request 8068), PyTorch",
     .padded = Padded::kExcluded,
     .future = Future::kExcluded,
     .fill_is_attribute = false,
     .empty_row = EmptyRow::kZero},
    {.id = DialectId::kNanRows,
     .name = "nan-rows",
     .meaning = "masked keys have a score of -inf; a row without keys is NaN",
     .source = "the reference of ONNX 1.18 to 1.22",
     .padded = Padded::kExcluded,
     .future = Future::kExcluded,
     .fill_is_attribute = false,
     .empty_row = EmptyRow::kNaN},
    {.id = DialectId::kOnnxRuntime9,
     .name = "onnxruntime-1.9",
     .meaning = "-10000 is added to the scores of padded keys and replaces those of future keys, "
                "-20000 where a key is both",
     .source = "ONNX Runtime 1.9 to 1.13 (pull request 8549)",
     .padded = Padded::kFilled,
     .future = Future::kReplacedByFill,
     .fill_is_attribute = false,
     .empty_row = EmptyRow::kNaN},
    {.id = DialectId::kOnnxRuntime14,
     .name = "onnxruntime-1.14",
     .meaning = "as onnxruntime-1.9, with mask_filter_value in place of -10000",
     .source = "ONNX Runtime 1.14 and 1.15 (pull request 14274)",
     .padded = Padded::kFilled,
     .future = Future::kReplacedByFill,
     .fill_is_attribute = true,
     .empty_row = EmptyRow::kNaN},
    {.id = DialectId::kOnnxRuntime16,
     .name = "onnxruntime-1.16",
     .meaning = "mask_filter_value is added to the scores of padded keys, future keys have the "
                "lowest float",
     .source = "ONNX Runtime since 1.16 (pull request 16369)",
     .padded = Padded::kFilled,
     .future = Future::kLowest,
     .fill_is_attribute = true,
     .empty_row = EmptyRow::kNaN},
});

}  // namespace

std::span<const Dialect> Dialects() { return kDialects; }

const Dialect& DialectOf(DialectId id) { return kDialects[static_cast<size_t>(id)]; }

const Dialect* FindDialect(std::string_view name) {
  for (const Dialect& dialect : kDialects) {
    if (name == dialect.name) return &dialect;
  }
  return nullptr;
}

}  // namespace maskproof
