package market.interop;

import java.util.LinkedHashMap;
import java.util.Map;

import com.netflix.appinfo.InstanceInfo;
import com.netflix.discovery.EurekaClient;
import com.netflix.discovery.Jersey3DiscoveryClientOptionalArgs;
import com.netflix.discovery.shared.Application;
import com.netflix.discovery.shared.transport.jersey.TransportClientFactories;
import com.netflix.discovery.shared.transport.jersey3.Jersey3TransportClientFactories;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.cloud.client.loadbalancer.LoadBalanced;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestTemplate;

/** A Spring Cloud service that shows what its Eureka client knows and calls others by their names. */
@SpringBootApplication
@RestController
public class ClientApp {

    private final EurekaClient eureka;
    private final RestTemplate balanced;

    @Value("${eureka.instance.instance-id}")
    private String id;

    public ClientApp(EurekaClient eureka, @LoadBalanced RestTemplate balanced) {
        this.eureka = eureka;
        this.balanced = balanced;
    }

    public static void main(String[] args) {
        SpringApplication.run(ClientApp.class, args);
    }

    @GetMapping("/whoami")
    public String whoami() {
        return id;
    }

    /** Status of each instance this client knows, by id. */
    @GetMapping("/known")
    public Map<String, String> known() {
        Map<String, String> known = new LinkedHashMap<>();
        for (Application application : eureka.getApplications().getRegisteredApplications()) {
            for (InstanceInfo instance : application.getInstancesAsIsFromEureka()) {
                known.put(instance.getId(), instance.getStatus().name());
            }
        }
        return known;
    }

    @GetMapping("/call/{service}")
    public ResponseEntity<String> call(@PathVariable String service, @RequestParam String path) {
        try {
            return ResponseEntity.ok(balanced.getForObject("http://" + service + path, String.class));
        } catch (Exception failure) {
            return ResponseEntity.status(502).body(String.valueOf(failure));
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Calls {
        @Bean
        @LoadBalanced
        RestTemplate balanced() {
            return new RestTemplate();
        }
    }

    /** Netflix's own transport, instead of Spring's RestTemplate. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty(name = "interop.jersey", havingValue = "true")
    static class JerseyTransport {
        @Bean
        Jersey3DiscoveryClientOptionalArgs arguments() {
            return new Jersey3DiscoveryClientOptionalArgs();
        }

        @Bean
        TransportClientFactories<?> transport() {
            return Jersey3TransportClientFactories.getInstance();
        }
    }
}
