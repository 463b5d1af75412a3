// Dialects of masks: holding a subject to one, and telling which one an output speaks.
#ifndef MASKPROOF_CLI_DIALECTS_H_
#define MASKPROOF_CLI_DIALECTS_H_

#include <memory>
#include <string>
#include <vector>

#include "properties/oracle/dialect.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

// The subject, held to the dialect of that name; "claimed" is the one that it is known for. Null
// after a message.
std::unique_ptr<Subject> HeldToDialect(std::unique_ptr<Subject> subject, const std::string& name);

// The dialects other than the subject's own under which all of `output` is right, if some of it is
// wrong as things are.
std::vector<const Dialect*> DialectsThatGive(const Subject& subject, const Case& c,
                                             const Output& output);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_DIALECTS_H_
