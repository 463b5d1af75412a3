// Ctrl-C ends a campaign in good order; a second one ends the process.
#ifndef MASKPROOF_CLI_INTERRUPT_H_
#define MASKPROOF_CLI_INTERRUPT_H_

namespace maskproof::cli {

void CatchInterrupts();
bool Interrupted();

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_INTERRUPT_H_
