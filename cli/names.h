// Words that people type, and words that become file names or shell commands.
#ifndef MASKPROOF_CLI_NAMES_H_
#define MASKPROOF_CLI_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "properties/case/case.h"

namespace maskproof::cli {

// "Attention", "qattention", ...; letter case does not matter.
std::optional<Op> ParseOp(std::string_view word);
const std::vector<std::string>& OpNames();

// "10s", "1.5m", "2h", "250ms", or bare seconds. More than zero, at most a hundred days.
std::optional<double> ParseDuration(std::string_view word);

// Decimal, or hexadecimal after 0x.
std::optional<uint64_t> ParseSeed(std::string_view word);

// The allowed word most like `word`; empty if none is at all like it.
std::string Nearest(std::string_view word, const std::vector<std::string>& allowed);

// "unknown operator 'Atention'; did you mean 'Attention'? Allowed: Attention, QAttention, Core".
std::string UnknownWord(std::string_view what, std::string_view word,
                        const std::vector<std::string>& allowed);

// `text` with everything but letters, digits, dot, dash and underscore replaced by '_', never
// hidden and never longer than a file name may be. Distinct long texts stay distinct.
std::string SafeFileName(std::string_view text);

// `text` as one word of a POSIX shell.
std::string ShellQuote(std::string_view text);

// `text` on one line and without control characters, so that a message of foreign code cannot play
// with the terminal.
std::string Printable(std::string_view text);

// FNV-1a: a hash that is the same everywhere.
uint64_t HashText(std::string_view text);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_NAMES_H_
