// JSON as the command writes it: members in the order in which they are set.
#ifndef MASKPROOF_CLI_JSON_H_
#define MASKPROOF_CLI_JSON_H_

#include <nlohmann/json.hpp>

namespace maskproof::cli {

using Json = nlohmann::ordered_json;

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_JSON_H_
