// A subject that is held to other promises than those it makes.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_HELD_SUBJECT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_HELD_SUBJECT_H_

#include <memory>
#include <string>
#include <utility>

#include "properties/subjects/subject.h"

namespace maskproof {

class HeldSubject : public Subject {
 public:
  explicit HeldSubject(std::unique_ptr<Subject> subject)
      : subject_(std::move(subject)), promises_(subject_->promises()) {}

  const std::string& name() const override { return subject_->name(); }
  const std::string& target() const override { return subject_->target(); }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& c) const override { return subject_->Supports(c); }
  Outcome Run(const Case& c, const RunRequest& request) override {
    return subject_->Run(c, request);
  }

  Promises& held_to() { return promises_; }

 private:
  std::unique_ptr<Subject> subject_;
  Promises promises_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_HELD_SUBJECT_H_
