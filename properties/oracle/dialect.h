// Dialects: what implementations in the field make of a mask, as data. docs/dialects.md.
#ifndef MASKPROOF_PROPERTIES_ORACLE_DIALECT_H_
#define MASKPROOF_PROPERTIES_ORACLE_DIALECT_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace maskproof {

// The order of Dialects().
enum class DialectId : uint8_t {
  kIdeal,  // docs/operators.md
  kZeroRows,
  kNanRows,
  kOnnxRuntime9,
  kOnnxRuntime14,
  kOnnxRuntime16,
};

struct Dialect {
  // What becomes of the score of a key that mask_index does not keep.
  enum class Padded : uint8_t {
    kExcluded,
    kFilled,  // the fill is added to it
  };
  // What becomes of the score of a future key.
  enum class Future : uint8_t {
    kExcluded,
    kReplacedByFill,  // by the fill, once more if the key is padded too; then attention_bias
    kLowest,          // by the lowest float, padded or not
  };
  // What a row gives in which every score is excluded.
  enum class EmptyRow : uint8_t { kAsPromised, kZero, kNaN };

  DialectId id;
  const char* name;     // "onnxruntime-1.16"
  const char* meaning;  // one line
  const char* source;   // where it is, or was, so
  Padded padded;
  Future future;
  bool fill_is_attribute;  // the fill is mask_filter_value; else, and without it, -10000
  EmptyRow empty_row;
};

std::span<const Dialect> Dialects();
const Dialect& DialectOf(DialectId id);
// Null if there is none of that name.
const Dialect* FindDialect(std::string_view name);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_ORACLE_DIALECT_H_
