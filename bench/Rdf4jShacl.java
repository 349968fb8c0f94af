import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.eclipse.rdf4j.common.transaction.IsolationLevels;
import org.eclipse.rdf4j.model.IRI;
import org.eclipse.rdf4j.model.Model;
import org.eclipse.rdf4j.model.Resource;
import org.eclipse.rdf4j.model.Value;
import org.eclipse.rdf4j.model.impl.LinkedHashModel;
import org.eclipse.rdf4j.model.vocabulary.RDF4J;
import org.eclipse.rdf4j.model.vocabulary.SHACL;
import org.eclipse.rdf4j.repository.RepositoryException;
import org.eclipse.rdf4j.repository.sail.SailRepository;
import org.eclipse.rdf4j.repository.sail.SailRepositoryConnection;
import org.eclipse.rdf4j.rio.RDFFormat;
import org.eclipse.rdf4j.rio.Rio;
import org.eclipse.rdf4j.sail.memory.MemoryStore;
import org.eclipse.rdf4j.sail.shacl.ShaclSail;
import org.eclipse.rdf4j.sail.shacl.ShaclSail.TransactionSettings.ValidationApproach;
import org.eclipse.rdf4j.sail.shacl.ShaclSailValidationException;

/** Judges with RDF4J's ShaclSail over a MemoryStore what is asked for on standard input (engines.py). */
public class Rdf4jShacl {
    private static SailRepository repository;

    public static void main(String[] arguments) throws Exception {
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            String[] words = line.split("\t", -1);
            StringBuilder told = new StringBuilder();
            try {
                switch (words[0]) {
                    case "load" -> load(words[1], words[2], told);
                    case "edit" -> edit(words[1], words[2], told);
                    default -> judge(words[1], words[2], told);
                }
            } catch (Exception | StackOverflowError | OutOfMemoryError error) {
                Throwable cause = error;
                while (cause.getCause() != null) {
                    cause = cause.getCause();
                }
                told.setLength(0);
                told.append("failed\t").append(String.valueOf(cause).replaceAll("\\s+", " ")).append('\n');
            }
            System.out.print(told.append("end\n"));
            System.out.flush();
        }
    }

    /** Put shapes and data into a fresh repository, unjudged. */
    private static void load(String shapes, String data, StringBuilder told) throws Exception {
        long began = System.nanoTime();
        fresh(shapes);
        try (SailRepositoryConnection connection = repository.getConnection()) {
            connection.begin(IsolationLevels.NONE, ValidationApproach.Disabled);
            connection.add(Path.of(data).toFile(), RDFFormat.NTRIPLES);
            connection.commit();
        }
        tell(told, "read", began);
    }

    /** Put shapes and data into a fresh repository, and judge all of it at its commit. */
    private static void judge(String shapes, String data, StringBuilder told) throws Exception {
        long began = System.nanoTime();
        fresh(shapes);
        try (SailRepositoryConnection connection = repository.getConnection()) {
            connection.begin(IsolationLevels.NONE, ValidationApproach.Bulk);
            connection.add(Path.of(data).toFile(), RDFFormat.NTRIPLES);
            tell(told, "read", began);
            commit(connection, System.nanoTime(), told);
        }
    }

    /** Make an edit as one transaction and commit it; what was not refused is then undone. */
    private static void edit(String added, String removed, StringBuilder told) throws Exception {
        Model more = parsed(added);
        Model less = parsed(removed);
        try (SailRepositoryConnection connection = repository.getConnection()) {
            long began = System.nanoTime();
            connection.begin();
            connection.remove(less);
            connection.add(more);
            if (commit(connection, began, told)) {
                connection.begin(ValidationApproach.Disabled);
                connection.remove(more);
                connection.add(less);
                connection.commit();
            }
        }
    }

    /** Commit, and tell how long it took until what is wrong was known. */
    private static boolean commit(SailRepositoryConnection connection, long began, StringBuilder told) {
        try {
            connection.commit();
            tell(told, "took", began);
            return true;
        } catch (RepositoryException refused) {
            if (!(refused.getCause() instanceof ShaclSailValidationException judged)) {
                throw refused;
            }
            Model report = judged.validationReportAsModel();
            tell(told, "took", began);
            connection.rollback();
            for (Value result : report.filter(null, SHACL.RESULT, null).objects()) {
                told.append("result\t")
                        .append(name(report, result, SHACL.SOURCE_SHAPE))
                        .append('\t')
                        .append(name(report, result, SHACL.FOCUS_NODE))
                        .append('\n');
            }
            return false;
        }
    }

    private static String name(Model report, Value result, IRI property) {
        for (Value value : report.filter((Resource) result, property, null).objects()) {
            return value.isBNode() ? "_:" : value.stringValue().replaceAll("\\s+", " ");
        }
        return "";
    }

    private static void fresh(String shapes) throws Exception {
        if (repository != null) {
            repository.shutDown();
        }
        ShaclSail sail = new ShaclSail(new MemoryStore());
        sail.setValidationResultsLimitTotal(-1);
        sail.setValidationResultsLimitPerConstraint(-1);
        repository = new SailRepository(sail);
        repository.init();
        try (SailRepositoryConnection connection = repository.getConnection()) {
            connection.begin();
            connection.add(Path.of(shapes).toFile(), RDFFormat.NTRIPLES, RDF4J.SHACL_SHAPE_GRAPH);
            connection.commit();
        }
    }

    private static Model parsed(String file) throws Exception {
        if (file.isEmpty()) {
            return new LinkedHashModel();
        }
        try (var text = Files.newInputStream(Path.of(file))) {
            return Rio.parse(text, RDFFormat.NTRIPLES);
        }
    }

    private static void tell(StringBuilder told, String what, long began) {
        told.append(what).append('\t').append((System.nanoTime() - began) / 1e9).append('\n');
    }
}
