import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Counts the orders of a market exactly, from its public events: KAFKA TOPIC STATE-FILE. See README.md. */
public final class CountOrders {
  private static final ObjectMapper JSON = new ObjectMapper();
  private final Path path;
  /** What was counted, and from which place it is: both are kept in one file, at once. */
  private final ObjectNode numbers;

  private CountOrders(Path path) throws IOException {
    this.path = path;
    numbers = Files.exists(path) ? (ObjectNode) JSON.readTree(path.toFile()) : JSON.createObjectNode();
    if (numbers.isEmpty()) {
      for (String name : List.of("orders", "paid", "units", "events", "skipped", "place", "offset")) numbers.put(name, 0);
      numbers.put("generation", -1);
    }
  }

  private void add(String name, long more) {
    numbers.put(name, numbers.get(name).asLong() + more);
  }

  /** The rule of api/events.yaml: nothing twice, nothing left out. */
  private boolean wants(JsonNode event) {
    long generation = event.get("generation").asLong(), place = event.get("place").asLong();
    long lastGeneration = numbers.get("generation").asLong(), lastPlace = numbers.get("place").asLong();
    if (generation != lastGeneration) return generation > lastGeneration;
    return place > lastPlace && (event.get("previous").isNull() || event.get("previous").asLong() <= lastPlace);
  }

  private static long units(JsonNode list) {
    long sum = 0;
    for (JsonNode each : list) sum += each.get("quantity").asLong();
    return sum;
  }

  private void take(JsonNode event) {
    JsonNode data = event.get("data");
    add("events", 1);
    switch (event.get("type").asText()) {
      case "order.accepted" -> {
        add("orders", 1);
        add("units", units(data.get("items")));
      }
      case "order.paid" -> {
        add("paid", 1);
        add("units", units(data.get("unitsTaken")));
      }
      default -> add("units", -units(data.path("unitsReturned")));
    }
    numbers.put("generation", event.get("generation").asLong());
    numbers.put("place", event.get("place").asLong());
  }

  private void keep() throws IOException {
    Path beside = path.resolveSibling(path.getFileName() + ".new");
    Files.writeString(beside, numbers.toString());
    Files.move(beside, path, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  public static void main(String[] arguments) throws IOException {
    CountOrders count = new CountOrders(Path.of(arguments[2]));
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", arguments[0], "enable.auto.commit", false, "auto.offset.reset", "earliest",
        "key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class);
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
      TopicPartition events = new TopicPartition(arguments[1], 0);
      consumer.assign(List.of(events));
      // Our own place decides where to go on, not Kafka's groups.
      consumer.seek(events, count.numbers.get("offset").asLong());
      boolean quiet = true;
      while (true) {
        var records = consumer.poll(Duration.ofMillis(500));
        for (ConsumerRecord<String, String> record : records) {
          JsonNode event = JSON.readTree(record.value());
          if (count.wants(event)) count.take(event);
          else count.add("skipped", 1);
          count.numbers.put("offset", record.offset() + 1);
        }
        if (records.isEmpty() && !quiet) {
          count.keep();
          System.out.println(count.numbers);
        }
        quiet = records.isEmpty();
      }
    }
  }
}
