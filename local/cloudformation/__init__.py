"""A front before the embedded AWS's CloudFormation, which takes the templates that AWS takes."""
