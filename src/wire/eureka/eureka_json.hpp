#pragma once
/// Eureka's JSON: strict in what is written, tolerant in what is read (numbers as texts, texts as numbers,
/// nulls, a bare object where an array belongs; unknown members are dropped).

#include <vector>

#include "base/result.hpp"
#include "domain/registry/registered_instance.hpp"
#include "wire/json/json_writer.hpp"

namespace market::wire::eureka {

using registry::RegisteredInstance;

/// Which members an answer has: `X-Eureka-Accept`.
enum class Detail : std::uint8_t { full, compact };

/// Builds `{"applications":{…}}`; the instances must come grouped by application.
class JsonApplications {
 public:
  explicit JsonApplications(Detail detail);
  void add(const RegisteredInstance& instance);
  std::string finish(std::string_view version, std::string_view hash);

 private:
  Detail detail_;
  std::string text_, app_;
  JsonWriter json_{text_};
};
/// `{"application":{"name":…,"instance":[…]}}`
std::string json_application(std::string_view name, const std::vector<RegisteredInstance>& instances,
                             Detail detail);
/// `{"instance":{…}}`
std::string json_instance(const RegisteredInstance& instance, Detail detail);

/// A change, as our push stream tells it: `{"version":N,"instance":{…}}`.
std::string json_change(std::uint64_t version, const RegisteredInstance& instance);

/// `{"instance":{…}}`: a registration, to be judged by check_registration, or a change of our push stream.
/// Errors: invalid_json, validation.
Result<RegisteredInstance> parse_json_instance(std::string_view text);

/// What a server answered to a fetch.
struct Applications {
  std::string version, hash;
  std::vector<RegisteredInstance> instances;
};
/// Errors: invalid_json, validation. What is no instance at all is left out; who takes one over judges it.
Result<Applications> parse_json_applications(std::string_view text);

/// One item of a batch between registries.
struct Replicated {
  /// `unreadable`: of an action that is not known here. It has its place in the answer, as all have.
  enum class What : std::uint8_t { enroll, heartbeat, cancel, status_update, delete_override, unreadable };
  What what = What::heartbeat;
  std::string app, id;
  std::optional<std::int64_t> dirty_ms;
  std::optional<registry::Status> status, overridden;
  std::optional<RegisteredInstance> instance;  ///< To be judged by check_registration.
};
std::string json_batch(const std::vector<Replicated>& items);
/// Errors: invalid_json, validation.
Result<std::vector<Replicated>> parse_json_batch(std::string_view text);

struct ReplicationAnswer {
  int status = 0;
  std::optional<RegisteredInstance> instance;  ///< With 409: the newer one.
};
std::string json_batch_answer(const std::vector<ReplicationAnswer>& answers);
Result<std::vector<ReplicationAnswer>> parse_json_batch_answer(std::string_view text);

}  // namespace market::wire::eureka
